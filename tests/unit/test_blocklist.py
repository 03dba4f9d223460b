from __future__ import annotations

import random
import string
import subprocess
import sys
from importlib import resources

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from uness_auth.blocklist import LONGEST, folded, is_too_common, words
from uness_auth.policy import MOST_HASHED_BYTES


ABOUT = ("Camille Durand-Lévy", "c.durand94@univ-exemple.fr")

ALPHABET = string.ascii_letters + string.digits + "![]{}()%$#@|+-_"


class TestIsTooCommon:
    @pytest.mark.parametrize(
        "password",
        [
            "Password1!",
            "P@ssw0rd!",
            "Pa$$w0rd1",
            "Motdepasse1!",
            "M0td3p@sse!",
            "Soleil59!",
            "$0leil2024",
            "2026Soleil!",
            "Soleil_01/09/1999!",
            "Marseille13!",
            "Dragon99!",
            "Iloveyou1!",
            "Tintin2026!",
            "Toto1234!",
            "Bon-jour1!",
            "S1o2l3e4i5l6!",
            "Universite1!",
            "University2026!",
        ],
    )
    def test_a_word_with_trimmings_is(self, password: str) -> None:
        """
        Case, leet, separators, dates and outer digits and specials hide no word.
        """
        assert is_too_common(password)

    @pytest.mark.parametrize("password", ["$erpent-12", "12-$$erpent", "#Giraf3-12"])
    def test_outer_leet_may_belong_to_the_word(self, password: str) -> None:
        """
        A special before the first letter, or a digit after the last, may be a letter.
        """
        assert is_too_common(password)

    @pytest.mark.parametrize("password", ["Serpentx-59!", "Xkserpent1!", "XSerpentk1!"])
    def test_two_letters_more_are_trimmings(self, password: str) -> None:
        """
        A longer word is recognised with up to two letters too many; a short one is not.
        """
        assert is_too_common(password)
        assert not is_too_common(f"q{password}q")
        assert not is_too_common(password.lower().replace("serpent", "lune"))

    @pytest.mark.parametrize(
        "password",
        [
            "Uness2026!",
            "xUness2026!",
            "Uness#2026ab",
            "U-n-e-s-s-1!",
            "Bonjour_2026_Uness!",
            "Medecine1!",
            "M3dec!ne2026",
            "Internat2026!",
            "Juillet1987!",
            "Printemps2025!",
            "Ecos2026!",
            "Edn2026!!",
            "Uness-Soleil7+",
        ],
    )
    def test_expected_words_leave_too_little(self, password: str) -> None:
        """
        Fewer than five characters beside campus and calendar words are too few.
        """
        assert is_too_common(password)

    @pytest.mark.parametrize(
        "password",
        [
            "Azerty123!",
            "Qwerty12345!",
            "Qsdfghjklm1!",
            "Poiuytreza1!",
            "1qaz@WSX",
            "!QAZ2wsx",
            "Aqwzsx12!",
            "A1z2e3r4!",
            "Qwe123!@#",
            "Abcd1234!",
            "Abcdefg1!",
            "A1b2c3d4!",
            "Zyxw9876!",
            "12345678",
            "Aa123456!",
            "Aaaaaaa1!",
            "Az!2024!",
            "Ab01091999!",
            "!!!!!!!!",
            "",
        ],
    )
    def test_runs_and_dates_are(self, password: str) -> None:
        """
        Keyboard walks, sequences, repetitions and dates count for next to nothing.
        """
        assert is_too_common(password)

    @pytest.mark.parametrize(
        "password", ["Chevalcheval1!", "Cheval1!Cheval1!", "LuneLuneLune7", "Xk9!xk9!"]
    )
    def test_repeating_helps_nobody(self, password: str) -> None:
        """
        A text written twice is judged as if written once.
        """
        assert is_too_common(password)

    @pytest.mark.parametrize(
        "password",
        [
            "Camille2026!",
            "C@mille_1",
            "xCamille1!",
            "Durand94!",
            "Cdurand94!",
            "D_u_r_a_n_d1",
            "CamilleDurand1!",
            "DurandLevy1!",
            "Levy1234!a",
            "LevyDurandCamille7",
            "Univ-Exemple1!",
            "Exemple2026!",
            "Camille_Uness26!",
        ],
    )
    def test_own_words_are(self, password: str) -> None:
        """
        Name and address, whole or in parts, are what an acquaintance tries first.
        """
        assert is_too_common(password, about=ABOUT)

    @pytest.mark.parametrize("password", ["Zoq12907!", "Zoq_Wim4827", "WimZoq4827!"])
    def test_short_own_words_count_where_they_are_all(self, password: str) -> None:
        """
        Three letters of one's own are too common alone, or together.
        """
        assert is_too_common(password, about=("Zoq Wim",))
        assert not is_too_common("7Zoq-KpT2!", about=("Zoq Wim",))

    @pytest.mark.parametrize("password", ["Qivraxo-94827", "X9Qivraxo!"])
    def test_own_words_are_somebody_elses_random(self, password: str) -> None:
        """
        A rare name is refused to the person who bears it, and to no other.
        """
        assert is_too_common(password, about=("Œ. Qîvraxò",))
        assert not is_too_common(password)

    def test_five_characters_beside_an_own_word_are_enough(self) -> None:
        """
        Four can be tried out; digits and specials at the ends are not counted.
        """
        assert is_too_common("48!wKqzQivraxo!2905", about=("Qivraxo",))
        assert not is_too_common("wKqzpQivraxo!2905", about=("Qivraxo",))

    def test_leet_in_an_own_word_is_read(self) -> None:
        """
        An address that is written in leet already is found as well.
        """
        assert is_too_common("Zarvix4827!", about=("z4rv1x@exemple.fr",))

    @pytest.mark.parametrize(
        "password",
        [
            "xK9!mTq2(wLr",
            "Tr7{pL0-vq",
            "kV8#zpQ1",
            "Xk1!uness2(wLr",
            "Cheval-Agrafe7+Pile",
            "Soleil-Montagne-Velo9",
            "Cheval-Pile7+",
            "Cheval-Lundi-Pile7",
            "Brouette!Galop5",
        ],
    )
    def test_random_texts_and_passphrases_are_not(self, password: str) -> None:
        """
        Random characters pass, and so do two and more words that do not belong.
        """
        assert not is_too_common(password, about=ABOUT)

    def test_random_passwords_are_hardly_ever_refused(self) -> None:
        """
        Of 5,000 random passwords of 10 characters at most 10 hold a word by chance.
        """
        dice = random.Random(20260901)  # noqa: S311 - a sample, the same each time
        sample = ["".join(dice.choices(ALPHABET, k=10)) for _ in range(5_000)]

        assert sum(is_too_common(one, about=ABOUT) for one in sample) <= 10

    def test_what_no_policy_allows_is_not_judged(self) -> None:
        """
        1,024 characters are judged; beyond them nothing is read.
        """
        assert is_too_common("a" * LONGEST)
        assert not is_too_common("a" * (LONGEST + 1))

    def test_judges_whatever_can_be_hashed(self) -> None:
        """
        No policy allows a password that is longer than what is judged.
        """
        assert LONGEST >= MOST_HASHED_BYTES

    @given(
        st.text() | st.text(alphabet=ALPHABET + "\0éœ\ufdfa\ud800"),
        st.lists(st.text() | st.emails(), max_size=3),
    )
    def test_any_text_is_judged(self, password: str, about: list[str]) -> None:
        """
        Never raises, whatever the password and the words.
        """
        assert is_too_common(password, about=about) in {True, False}

    @given(
        st.sampled_from(sorted(words())), st.sampled_from(["{}1!", "#{}-2026", "7{}7"])
    )
    def test_every_listed_word_is(self, word: str, trimmings: str) -> None:
        """
        Each word of the list is too common, capitalised and trimmed.
        """
        assert is_too_common(trimmings.format(word.capitalize()))


class TestWords:
    def test_there_are_enough(self) -> None:
        """
        The list holds at least 10,000, in less than 200 kB.
        """
        packed = resources.files("uness_auth") / "blocklist.txt.gz"

        assert len(words()) >= 10_000
        assert len(packed.read_bytes()) < 200_000

    def test_they_are_folded_as_passwords_are(self) -> None:
        """
        A list made under another folding would match nothing: make it again.
        """
        assert words() == frozenset(map(folded, words()))

    def test_sources_are_named(self) -> None:
        """
        The licences of the sources go with the list.
        """
        licences = resources.files("uness_auth") / "blocklist.LICENSE.txt"
        text = licences.read_text(encoding="utf-8")

        assert "Django Software Foundation" in text
        assert "Dropbox" in text

    def test_importing_does_not_read_them(self) -> None:
        """
        A process that sets no password never loads the list.
        """
        ask = (
            "from uness_auth import blocklist as b; print(b.words.cache_info().misses)"
        )
        done = subprocess.run(  # noqa: S603 - our own interpreter, our own text
            [sys.executable, "-c", ask], capture_output=True, check=True, text=True
        )

        assert "0" == done.stdout.strip()


class TestFolded:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("Médecine", "medeclne"),
            ("M3dec!ne2026!", "medeclne"),
            ("$oleil", "oleil".replace("i", "l")),
            ("Cœur-de-Lion", "coeurdellon"),
            ("--19!!", ""),
            ("", ""),
        ],
    )
    def test_letters_remain(self, text: str, expected: str) -> None:
        """
        Plain letters remain, look-alikes read as letters, ends trimmed first.
        """
        assert expected == folded(text)

    @given(st.text())
    @example("\u01fd\U0001d400\u1e9e\u0345")
    def test_folding_twice_is_folding_once(self, text: str) -> None:
        """
        A folded word stays as it is, else the list could not be compared with.
        """
        assert folded(folded(text)) == folded(text)
