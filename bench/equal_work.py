"""
Whether an answer tells, by its time or its words, what an address stands for.

Somebody asks the same questions of addresses with a password, without one, disabled and
unknown, in an order left to chance, all with the same history.  For each pair of these
the area under the curve is how often a request of the one took longer than a request of
the other: 0.5 is chance, 1 and 0 are certainty.  It has to lie within 0.5 ± 0.05.

Two clocks.  *Wall* is what a visitor can see, without the network in between, which only
blurs it; it alone is judged.  *Work* is the CPU time of the whole process meanwhile: other
programs disturb it less, and no visitor sees it.

Two hashes.  *Real* is argon2 as on a small machine.  *Cheap* is argon2 with the least that
it can do: the hash then hides nothing of the work around it, which is harsher.
"""

from __future__ import annotations

import argparse
import gc
import itertools
import json
import os
import platform
import random
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import attrs


ADAPTERS: Final = ("Flask", "Django", "FastAPI")
BAND: Final = 0.05
# With so many of each kind chance alone leaves the band once in five thousand pairs.
ROUNDS: Final = 900
QUICK: Final = 300
REAL_ROUNDS: Final = 300
# Whatever lies outside is asked again, so many times as often, and that counts.
AGAIN: Final = 4
WARM: Final = 20
# As many as are free of a wait.
TRIES: Final = 3
RESAMPLES: Final = 200
IN_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - a folder is made in it
WRONG: Final = "Pile-Correcte8"
MASKS: Final = (
    (re.compile(r'(name="csrf(?:middlewaretoken)?" value=")[^"]+'), r"\1…"),
    (re.compile(r'(name="challenge" value=")[^"]+'), r"\1…"),
    (re.compile(r"^((?:uness-\w+|csrftoken)=)[^;]+"), r"\1…"),
    (re.compile(r"expires=[^;]+"), "…"),
)


@attrs.frozen(kw_only=True)
class Question:
    """
    What is asked of each address.

    Attributes:
        kinds: Of whom, by the number of their kinds.

        ask: Asks.

        before: What each address is asked long before, and what `ask` needs of it.

        tries: How often each address is asked, one round after the other.

        is_judged: False: shown, because it is not all that it might be, with the reason
            in docs/explanation/equal-work.md.
    """

    title: str
    kinds: int
    ask: Callable[[Any, str, str], Any]
    before: Callable[[Any, str], str] | None = None
    tries: int = 1
    is_judged: bool = True


def _identify(place: Any, address: str, _before: str = "") -> Any:
    return place.somebody.ask("POST", "/auth/", email=address)


def _password(place: Any, address: str, _before: str = "") -> Any:
    return place.somebody.ask(
        "POST", "/auth/password", username=address, password=WRONG
    )


def _link(place: Any, address: str, _before: str = "") -> Any:
    return place.somebody.ask("POST", "/auth/link", username=address)


def _code(place: Any, address: str, _before: str = "") -> Any:
    return place.somebody.ask("POST", "/auth/code", username=address)


def _challenge(place: Any, address: str) -> str:
    _code(place, address)
    challenge: str = place.somebody.visitor.hidden("challenge")
    return challenge


def _confirm(place: Any, address: str, challenge: str) -> Any:
    return place.somebody.ask(
        "POST", "/auth/code/confirm", challenge=challenge, username=address, code="x"
    )


def _next(place: Any, address: str, _before: str) -> Any:
    _code(place, address)
    return place.somebody.ask("GET", "/auth/")


PASSWORD: Final = Question(
    title="a wrong password", kinds=4, ask=_password, tries=TRIES
)
# By policy.  After identification all but the unknown and, where it is told, the
# disabled; where one page serves every address, everybody.
QUESTIONS: Final = {
    "uness": (
        PASSWORD,
        Question(title="asking for a code", kinds=2, ask=_code),
        Question(title="a wrong code", kinds=2, ask=_confirm, before=_challenge),
    ),
    "one page": (
        Question(title="the address", kinds=4, ask=_identify),
        Question(title="asking for a link", kinds=4, ask=_link),
    ),
    "strict": (
        Question(title="the address", kinds=4, ask=_identify),
        PASSWORD,
        Question(title="asking for a link", kinds=4, ask=_link),
        Question(title="asking for a code", kinds=4, ask=_code),
        Question(title="a wrong code", kinds=4, ask=_confirm, before=_challenge),
        Question(
            title="any page, right after asking for a code",
            kinds=4,
            ask=_next,
            is_judged=False,
        ),
    ),
}


# --- One site, in a process of its own ------------------------------------------------


def measure(
    site: Any, policy: str, rounds: int, *, titles: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """
    Ask the questions so titled; return, by question and kind, what was seen.
    """
    found = {}
    for question in QUESTIONS[policy]:
        if question.title in titles:
            found[question.title] = _measure(site, question, rounds)
    return found


def _measure(site: Any, question: Question, rounds: int) -> dict[str, Any]:
    kinds = list(site.addresses)[: question.kinds]
    seen: dict[str, list[Any]] = {kind: [] for kind in kinds}
    said: dict[str, set[str]] = {kind: set() for kind in kinds}
    known: dict[str, str] = {}
    if question.before is not None:
        for turn in range(rounds):
            for kind in random.sample(kinds, len(kinds)):
                address = site.addresses[kind][turn]
                known[address] = question.before(site, address)
                site.queue.settle()
    gc.collect()
    gc.freeze()
    gc.disable()
    for _ in range(question.tries):
        for turn in range(rounds // question.tries):
            for kind in random.sample(kinds, len(kinds)):
                site.queue.settle()
                address = site.addresses[kind][turn]
                answer = question.ask(site, address, known.get(address, ""))
                seen[kind].append(answer)
                said[kind].add(masked(answer, address))
            gc.collect(0)
    gc.enable()
    return {
        kind: {
            "wall": [one.wall for one in seen[kind]],
            "work": [one.work for one in seen[kind]],
            "said": sorted(said[kind]),
        }
        for kind in kinds
    }


def masked(answer: Any, address: str) -> str:
    """
    Return status, headers and body without what is random, and without the address.
    """
    local, _, _ = address.partition("@")
    parts = [str(answer.status), answer.body]
    parts += [f"{name}: {_without_chance(value)}" for name, value in answer.headers]
    return _without_chance("\n".join(parts)).replace(local, "{address}")


def _without_chance(text: str) -> str:
    for pattern, mask in MASKS:
        text = pattern.sub(mask, text)
    return text


def alone(chosen: argparse.Namespace) -> None:
    """
    Measure one adapter under one policy, and print what was seen as JSON.
    """
    import equal_sites  # noqa: PLC0415 - the parent has no need of any framework

    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    parent = IN_MEMORY if IN_MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(dir=parent) as folder, sink() as port:
        site = equal_sites.place(
            chosen.adapter,
            chosen.policy,
            Path(folder),
            smtp=port,
            each=chosen.rounds + WARM,
            is_real=chosen.real,
        )
        site.somebody.arrive()
        for question in QUESTIONS[chosen.policy]:
            for kind in list(site.addresses)[: question.kinds]:
                for address in site.addresses[kind][chosen.rounds :]:
                    before = question.before(site, address) if question.before else ""
                    question.ask(site, address, before)
        found = measure(site, chosen.policy, chosen.rounds, titles=chosen.question)
        print(json.dumps(found), file=answers, flush=True)
        site.queue.settle()


@contextmanager
def sink() -> Iterator[int]:
    """
    Run a mail server beside; yields its port.
    """
    command = [sys.executable, str(Path(__file__).with_name("mail_sink.py"))]
    with subprocess.Popen(  # noqa: S603 - our own file
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        if process.stdin is None or process.stdout is None:
            raise AssertionError
        yield int(process.stdout.readline())
        process.stdin.close()


# --- What it says ---------------------------------------------------------------------


def area(these: Sequence[float], those: Sequence[float]) -> float:
    """
    Return how often one of *these* is greater than one of *those*, ties by half.

    The area under the curve of whoever tells the two apart by a threshold: the U of
    Mann and Whitney, divided by the number of pairs.
    """
    ranked = sorted([(one, True) for one in these] + [(one, False) for one in those])
    greater, below, at = 0.0, 0, 0
    while at < len(ranked):
        end = at
        mine = theirs = 0
        while end < len(ranked) and ranked[end][0] == ranked[at][0]:
            mine += ranked[end][1]
            theirs += not ranked[end][1]
            end += 1
        greater += mine * (below + theirs / 2)
        below += theirs
        at = end
    return greater / (len(these) * len(those))


def interval(these: Sequence[float], those: Sequence[float]) -> tuple[float, float]:
    """
    Return between what the area lies in 95 of 100 samples drawn again from these two.
    """
    drawn = sorted(
        area(
            random.choices(these, k=len(these)),  # noqa: S311 - no secret
            random.choices(those, k=len(those)),  # noqa: S311 - no secret
        )
        for _ in range(RESAMPLES)
    )
    edge = RESAMPLES // 40
    return drawn[edge], drawn[-edge - 1]


@attrs.frozen(kw_only=True)
class Look:
    """
    One site, looked at once.
    """

    adapter: str
    policy: str
    rounds: int
    is_real: bool = False

    def measure(self, titles: Iterable[str]) -> dict[str, dict[str, Any]]:
        """
        Have it measured in a process of its own: Django's settings are one to a process.
        """
        command = [
            *(sys.executable, __file__, "--alone"),
            *("--adapter", self.adapter, "--policy", self.policy),
            *("--rounds", str(self.rounds)),
            *(["--real"] if self.is_real else []),
            *itertools.chain.from_iterable(("--question", one) for one in titles),
        ]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own file
        found: dict[str, dict[str, Any]] = json.loads(done.stdout)
        return found

    def judge(self, titles: Sequence[str]) -> bool:
        """
        Print what each question told, ask again what told too much, and say whether
        nothing did.
        """
        hashing = "real" if self.is_real else "cheap"
        print(f"{self.adapter}, {self.policy}, {hashing} hashes", flush=True)
        judged = {one.title: one.is_judged for one in QUESTIONS[self.policy]}
        telling = [
            title
            for title, seen in self.measure(titles).items()
            if not show(title, seen, is_judged=judged[title])
        ]
        if not telling:
            return True
        print(f"  again, {AGAIN} times as often", flush=True)
        again = attrs.evolve(self, rounds=AGAIN * self.rounds).measure(telling)
        missed = [title for title, seen in again.items() if not show(title, seen)]
        return not missed


def show(title: str, seen: dict[str, Any], *, is_judged: bool = True) -> bool:
    """
    Print one question, and say whether it tells nothing, or is not judged.
    """
    walls = {kind: one["wall"] for kind, one in seen.items()}
    rounds = len(next(iter(walls.values())))
    told = ", ".join(f"{statistics.median(one) * 1e3:.3f}" for one in walls.values())
    print(f"  {title}: {rounds} of each kind, medians {told} ms")
    is_said = len({json.dumps(one["said"]) for one in seen.values()}) == 1
    is_kept = is_said
    if not is_said:
        print("    MISSED: not the same status, headers and body")
    for these, those in itertools.combinations(seen, 2):
        wall = area(walls[these], walls[those])
        low, high = interval(walls[these], walls[those])
        work = area(seen[these]["work"], seen[those]["work"])
        is_within = abs(wall - 0.5) <= BAND
        is_kept &= is_within or not is_judged
        verdict = ("kept" if is_within else "MISSED") if is_judged else "not judged"
        print(
            f"    {these + ' / ' + those:32} wall {wall:.3f} ({low:.3f} to {high:.3f}) "
            f" work {work:.3f}  {verdict}",
            flush=True,
        )
    return is_kept


def looks(chosen: argparse.Namespace) -> list[Look]:
    """
    Return what is to be looked at.
    """
    rounds = chosen.rounds or (QUICK if chosen.quick else ROUNDS)
    cheap = [
        Look(adapter=adapter, policy=policy, rounds=rounds)
        for adapter in ADAPTERS
        for policy in QUESTIONS
    ]
    real = [
        Look(
            adapter=adapter,
            policy="uness",
            rounds=min(rounds, REAL_ROUNDS),
            is_real=True,
        )
        for adapter in ADAPTERS
    ]
    return [
        look
        for look in (*cheap, *real)
        if chosen.adapter in {None, look.adapter}
        and chosen.policy in {None, look.policy}
    ]


def main() -> int:
    """
    Look at all, print it, and return 1 where something tells.
    """
    parser = argparse.ArgumentParser(description="Whether answers tell accounts apart.")
    parser.add_argument("--adapter", choices=ADAPTERS)
    parser.add_argument("--policy", choices=list(QUESTIONS))
    parser.add_argument("--rounds", type=int, help="how many of each kind")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} of each kind")
    parser.add_argument("--question", action="append", help="only this one")
    parser.add_argument("--real", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.alone:
        alone(chosen)
        return 0
    print(
        f"equal work: Python {platform.python_version()}, {os.cpu_count()} cores; "
        f"to reach: 0.5 ± {BAND}"
    )
    all_kept = True
    for look in looks(chosen):
        asked = (PASSWORD,) if look.is_real else QUESTIONS[look.policy]
        titles = [one.title for one in asked]
        wanted = [one for one in titles if one in (chosen.question or titles)]
        if wanted:
            all_kept &= look.judge(wanted)
    return 0 if all_kept else 1


if __name__ == "__main__":
    sys.exit(main())
