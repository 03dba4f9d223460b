"""
Django's hashers keep the contract, and two of them never undo each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import bcrypt
import pytest
from django.conf import settings
from django.contrib.auth.hashers import (
    Argon2PasswordHasher,
    PBKDF2PasswordHasher,
    check_password,
    identify_hasher,
    make_password,
)
from django.test import override_settings

from uness_auth.django.hashers import UnessArgon2PasswordHasher
from uness_auth.django.hashing import DjangoHashing
from uness_auth.errors import HashingError
from uness_auth.policy import HashingPolicy
from uness_auth.ports import PasswordHashing
from uness_auth.testing.contracts import PasswordHashingContract


PASSWORD = "Cheval7+Agrafe"
SMALL = HashingPolicy.small()


class Cheap(PBKDF2PasswordHasher):
    """
    A hasher of a project's own, for tests alone.
    """

    algorithm = "cheap"
    iterations = 1


class Broken(Cheap):
    """
    A hasher that raises whatever it is asked.
    """

    algorithm = "broken"

    def decode(self, encoded: str) -> dict[str, str | int]:
        return {} if "decodes" in encoded else super().decode("?")

    def must_update(self, encoded: str) -> bool:
        raise RuntimeError


class TestDjangoHashing(PasswordHashingContract):
    def make(self) -> PasswordHashing:
        return DjangoHashing(SMALL)


@pytest.fixture(name="hashing")
def _hashing() -> DjangoHashing:
    """
    The hashers of the project, under OWASP's small parameters.
    """
    return DjangoHashing(SMALL)


class TestTogether:
    def test_django_knows_what_we_make(self, hashing: DjangoHashing) -> None:
        """
        Our hash is one to `check_password`, which has nothing to make anew.
        """
        made = hashing.hash(PASSWORD)
        anew: list[str] = []

        assert check_password(PASSWORD, made, anew.append)
        assert [] == anew

    def test_we_know_what_django_makes(self, hashing: DjangoHashing) -> None:
        """
        Django's hash is one to us, and stays as it is.
        """
        made = make_password(PASSWORD)

        assert hashing.verify(made, PASSWORD)
        assert not hashing.needs_rehash(made)

    def test_the_policy_says_how(self, hashing: DjangoHashing) -> None:
        """
        Hashes are argon2id with the policy's parameters; under others they are made anew.
        """
        made = hashing.hash(PASSWORD)

        assert made.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")
        assert DjangoHashing(HashingPolicy()).needs_rehash(made)

    @pytest.mark.parametrize(
        "algorithm", ["pbkdf2_sha256", "pbkdf2_sha1", "scrypt", "md5"]
    )
    def test_other_formats_work(self, hashing: DjangoHashing, algorithm: str) -> None:
        """
        A password in another format is verified, and is to be made anew.
        """
        made = make_password(PASSWORD, hasher=algorithm)

        assert hashing.verify(made, PASSWORD)
        assert not hashing.verify(made, PASSWORD.lower())
        assert hashing.needs_rehash(made)


class TestBcrypt:
    LONG: ClassVar = "Cheval7+Agrafe" * 6

    @pytest.fixture(autouse=True)
    def _bcrypt(self) -> Iterator[None]:
        """
        A project whose users come with plain bcrypt, of which long passwords were cut.
        """
        hashers = [
            *settings.PASSWORD_HASHERS,
            "django.contrib.auth.hashers.BCryptPasswordHasher",
        ]
        with override_settings(PASSWORD_HASHERS=hashers):
            yield

    def test_another_tail_is_refused(self, hashing: DjangoHashing) -> None:
        """
        P58: of 84 characters bcrypt has read 72; with another tail they are refused.
        """
        stored = imported(self.LONG[:72])

        assert not hashing.verify(stored, self.LONG[:72] + "another tail")
        # Nobody can say any more which tail was right.
        assert not hashing.verify(stored, self.LONG)
        assert not hashing.verify(imported(self.LONG[:71]), self.LONG[:71] + "\x00x")

    @pytest.mark.parametrize("length", [14, 71, 72])
    def test_the_others_are_made_anew(
        self, hashing: DjangoHashing, length: int
    ) -> None:
        """
        P58: a password that bcrypt has read whole signs in, and becomes argon2id.
        """
        stored, password = imported(self.LONG[:length]), self.LONG[:length]

        assert hashing.verify(stored, password)
        assert not hashing.verify(stored, password[:-1])
        assert hashing.needs_rehash(stored)
        assert hashing.hash(password).startswith("argon2$argon2id$")

    def test_sha256_before_it_reads_all(self, hashing: DjangoHashing) -> None:
        """
        P58: Django's own format of bcrypt hashes before it, and is no such hash.
        """
        stored = make_password(self.LONG, hasher="bcrypt_sha256")

        assert hashing.verify(stored, self.LONG)
        assert not hashing.verify(stored, self.LONG[:72] + "another tail")


def imported(password: str) -> str:
    """
    Return a hash as another program would have exported it, with little work.
    """
    made = bcrypt.hashpw(password.encode(), bcrypt.gensalt(4))
    return f"bcrypt${made.decode()}"


class TestCeilings:
    @pytest.mark.parametrize(
        "asked",
        [
            "argon2$argon2id$v=19$m=262145,t=1,p=1$c29tZXNhbHQ$aGFzaGhhc2hoYXNo",
            "argon2$argon2id$v=19$m=8,t=11,p=1$c29tZXNhbHQ$aGFzaGhhc2hoYXNo",
            "argon2$argon2id$v=19$m=128,t=1,p=9$c29tZXNhbHQ$aGFzaGhhc2hoYXNo",
            "pbkdf2_sha256$10000001$salt$hash",
            "bcrypt_sha256$$2b$17$saltsaltsaltsaltsaltsahash",
            "scrypt$2097152$salt$8$1$hash",
            "scrypt$1024$salt$8$9$hash",
        ],
    )
    def test_a_stored_hash_is_not_obeyed(
        self, hashing: DjangoHashing, asked: str
    ) -> None:
        """
        A hash that asks for more work than is allowed is never worked on.
        """
        hasher = identify_hasher(asked)

        assert not hashing._is_within_ceilings(hasher, asked)  # noqa: SLF001 - whether it was worked on does not show
        assert not hashing.verify(asked, PASSWORD)

    def test_within(self, hashing: DjangoHashing) -> None:
        """
        What Django itself asks for is allowed.
        """
        kinds = ["argon2", "pbkdf2_sha256", "scrypt", "md5"]
        made = [make_password(PASSWORD, hasher=kind) for kind in kinds]
        made.append("bcrypt_sha256$$2b$16$saltsaltsaltsaltsaltsahash")

        assert [] == [
            one
            for one in made
            if not hashing._is_within_ceilings(identify_hasher(one), one)  # noqa: SLF001 - as above
        ]

    @pytest.mark.parametrize(
        "odd", ["argon2$", "argon2$argon2id$?", "argon2$argon2id$v=19$m=a,t=1,p=1$a$b"]
    )
    def test_django_is_kept_to_them(self, odd: str) -> None:
        """
        Our hasher answers False by itself, in Django's `check_password` too.
        """
        hasher = UnessArgon2PasswordHasher()

        assert not hasher.verify(PASSWORD, odd)
        assert not hasher.verify(
            PASSWORD, "argon2$argon2id$v=19$m=262145,t=1,p=1$c29tZXNhbHQ$aGFzaA"
        )
        assert not hasher.verify("\ud800", make_password(PASSWORD))

    def test_long_texts_are_not_hashed(self, hashing: DjangoHashing) -> None:
        """
        What is longer than is ever hashed, or cannot be encoded, is refused.
        """
        for odd in ("p" * 1_025, "\ud800"):
            with pytest.raises(ValueError, match="1024 bytes"):
                _ = hashing.hash(odd)


class TestDecoy:
    @pytest.mark.parametrize("typed", [PASSWORD, "", "\ud800", "p" * 1_025])
    def test_is_one_comparison_under_todays_costs(
        self, hashing: DjangoHashing, monkeypatch: pytest.MonkeyPatch, typed: str
    ) -> None:
        """
        P33, P34: the decoy is compared as a stored hash is, whatever was typed.
        """
        compared: list[str] = []

        def noting(hasher: Argon2PasswordHasher, password: str, encoded: str) -> bool:
            compared.append(encoded)
            return own(hasher, password, encoded)

        own = Argon2PasswordHasher.verify
        monkeypatch.setattr(Argon2PasswordHasher, "verify", noting)
        assert not hashing.verify(make_password("another"), typed)
        hashing.decoy(typed)

        costs = [one.split("$")[3] for one in compared]
        assert ["m=19456,t=2,p=1"] * 2 == costs


class TestFaults:
    def test_a_hasher_of_the_projects(self, hashing: DjangoHashing) -> None:
        """
        The first of ``PASSWORD_HASHERS`` makes the hashes, whichever it is.
        """
        with override_settings(PASSWORD_HASHERS=[f"{__name__}.Cheap"]):
            made = hashing.hash(PASSWORD)

            assert made.startswith("cheap$1$")
            assert hashing.verify(made, PASSWORD)
            hashing.decoy(PASSWORD)

    def test_a_broken_hasher_is_false(self, hashing: DjangoHashing) -> None:
        """
        Whatever a hasher raises, nothing is verified and the hash is to be made anew.
        """
        with override_settings(PASSWORD_HASHERS=[f"{__name__}.Broken"]):
            assert not hashing.verify("broken$1", PASSWORD)
            assert not hashing.verify("broken$decodes", PASSWORD)
            assert hashing.needs_rehash("broken$decodes")

    def test_no_memory(
        self, hashing: DjangoHashing, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """
        Where there is no memory nothing is hashed, and the decoy says nothing.
        """

        def refuse(*_given: object) -> str:
            raise MemoryError

        monkeypatch.setattr(UnessArgon2PasswordHasher, "encode", refuse)
        monkeypatch.setattr(UnessArgon2PasswordHasher, "verify", refuse)

        hashing.decoy(PASSWORD)
        with pytest.raises(HashingError):
            _ = hashing.hash(PASSWORD)
