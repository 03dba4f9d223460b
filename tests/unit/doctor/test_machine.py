"""
What the doctor says of the machine: time, memory, workers, texts, zones.
"""

from __future__ import annotations

import time
from pathlib import Path

import attrs
import pytest

from tests.unit.doctor.conftest import local, online
from uness_auth import HashingPolicy, Policy
from uness_auth.doctor import Severity, examine_machine
from uness_auth.doctor.machine import (
    check_hashing,
    check_memory,
    check_texts,
    check_time_zone,
    check_workers,
)
from uness_auth.passwords import cores_here
from uness_auth.storage.memory import MemoryStorage
from uness_auth.testing import FastHashing


NOTE, OK, SERIOUS = Severity.NOTE, Severity.OK, Severity.SERIOUS
GIB = 1024 * 1024


def memory_of(folder: Path, kib: int) -> Path:
    """
    Write what Linux says of a machine with so much memory.
    """
    file = folder / "meminfo"
    file.write_text(f"MemTotal:  {kib} kB\nMemFree:  1 kB\n", encoding="ascii")
    return file


class TestHashing:
    def test_each_preset(self, storage: MemoryStorage) -> None:
        """
        The site's own costs are measured, and those of the presets that it has not.
        """
        policy = Policy.uness(hashing=HashingPolicy.small())
        own, default = check_hashing(online(storage, policy=policy))

        assert (OK, OK) == (own.severity, default.severity)
        assert "Argon2Hashing, 19 MiB, t=2, p=1" in own.what
        assert "HashingPolicy(), 64 MiB, t=3, p=4" in default.what
        assert "sign-ins per second" in own.what

    def test_no_room(self, storage: MemoryStorage) -> None:
        """
        A preset that so many processes could not use is not measured.
        """
        policy = Policy.uness(hashing=HashingPolicy.small())
        own, default = check_hashing(online(storage, policy=policy, processes=8))

        assert (OK, OK) == (own.severity, default.severity)
        assert "no room" in default.what

    def test_slow(self, storage: MemoryStorage) -> None:
        """
        A hash that people wait for is told.
        """

        @attrs.frozen
        class Slow:
            hasher: FastHashing = attrs.Factory(FastHashing)
            for_development_only: bool = True

            def decoy(self, _password: str, /) -> None:
                time.sleep(1.01)

            hash = verify = needs_rehash = decoy

        own, *_ = check_hashing(local(storage, hashing=Slow()))

        assert NOTE is own.severity
        assert "small()" in own.mend


class TestMemory:
    def test_enough(self, storage: MemoryStorage, tmp_path: Path) -> None:
        """
        A budget that lets every core hash, and leaves memory.
        """
        policy = Policy.uness(
            hashing=HashingPolicy(memory_budget=cores_here() * 64 * 1024 * 1024)
        )
        auth = online(storage, policy=policy)
        (finding,) = check_memory(auth, memory_of(tmp_path, 1024 * GIB))

        assert OK is finding.severity

    def test_too_much(self, storage: MemoryStorage, tmp_path: Path) -> None:
        """
        A budget of more than half of the machine's memory.
        """
        (finding,) = check_memory(online(storage), memory_of(tmp_path, GIB // 4))

        assert NOTE is finding.severity
        assert "256 MiB" in finding.what

    @pytest.mark.skipif(cores_here() < 2, reason="one core is never idle")
    def test_idle_cores(self, storage: MemoryStorage, tmp_path: Path) -> None:
        """
        A budget that leaves cores idle; also where the memory is not known.
        """
        policy = Policy.uness(hashing=HashingPolicy(memory_budget=64 * 1024 * 1024))
        auth = online(storage, policy=policy)
        (finding,) = check_memory(auth, tmp_path / "nowhere")

        assert NOTE is finding.severity
        assert "idle" in finding.why


class TestWorkers:
    @pytest.mark.parametrize("text", ["", "1", "auto"])
    def test_as_said(self, storage: MemoryStorage, text: str) -> None:
        """
        As many as was said, or nobody says otherwise.
        """
        (finding,) = check_workers(local(storage), {"WEB_CONCURRENCY": text})

        assert OK is finding.severity

    def test_several_on_memory(self, storage: MemoryStorage) -> None:
        """
        Several workers on the memory store are serious.
        """
        (finding,) = check_workers(local(storage), {"WEB_CONCURRENCY": "4"})

        assert SERIOUS is finding.severity
        assert "processes=4" in finding.mend

    def test_counters_alone(self, storage: MemoryStorage) -> None:
        """
        So are several on counters of their own, wherever the accounts are.
        """
        real = online(storage).parts.stores
        stores = attrs.evolve(real, counters=storage.stores.counters)
        auth = local(
            storage, stores=stores, keys=["a-key-of-the-tests-0123456789abcdef"]
        )
        (finding,) = check_workers(auth, {"WEB_CONCURRENCY": "4"})

        assert SERIOUS is finding.severity

    @pytest.mark.parametrize("text", ["4", "1"])
    def test_others_than_said(self, storage: MemoryStorage, text: str) -> None:
        """
        On shared stores another number is a note: they share the memory.
        """
        auth = online(storage, processes=2)
        (finding,) = check_workers(auth, {"WEB_CONCURRENCY": text})

        assert NOTE is finding.severity


class TestInstalled:
    def test_whole(self) -> None:
        """
        Here the texts and the time zones are installed.
        """
        assert [OK, OK] == [one.severity for one in examine_machine()]

    def test_no_such_texts(self) -> None:
        """
        A catalog that is missing is named.
        """
        (finding,) = check_texts(("fr", "de"))

        assert SERIOUS is finding.severity
        assert "'de'" in finding.what

    def test_no_such_zone(self) -> None:
        """
        A zone that is not known here, too.
        """
        (finding,) = check_time_zone("Europe/Nowhere")

        assert SERIOUS is finding.severity
        assert "tzdata" in finding.mend
