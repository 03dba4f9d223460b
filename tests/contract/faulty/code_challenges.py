"""
Stores of code challenges with planted faults.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

import attrs

from tests.contract.faulty.planting import (
    Crossing,
    Meeting,
    changing,
    local,
    naive,
    planted_in,
    rounded,
    to_the_minute,
)
from uness_auth.model import CodeChallenge
from uness_auth.storage.memory import (
    MemoryCodeChallenges,
    Rows,
)
from uness_auth.testing import contracts
from uness_auth.testing.contracts.base import SECOND


class FaultyChallenges(MemoryCodeChallenges):
    contract: ClassVar = contracts.CodeChallengesContract

    def __init__(self, rows: Rows) -> None:
        super().__init__(rows)
        self.meeting = Meeting()
        self.crossing = Crossing()

    @classmethod
    def build(cls) -> MemoryCodeChallenges:
        return cls(Rows())

    def force(self, challenge_id: str, **changes: Any) -> CodeChallenge:
        challenge = attrs.evolve(self._rows.challenges[challenge_id], **changes)
        self._rows.challenges[challenge_id] = challenge
        return challenge


class LosesTheBrowser(FaultyChallenges):
    rejected_by = ("test_challenge_comes_back_whole",)

    def add(self, challenge: CodeChallenge, /) -> None:
        super().add(attrs.evolve(challenge, browser_digest=""))


class ForgetsTheZoneOfChallenges(FaultyChallenges):
    rejected_by = ("test_instants_are_utc", "test_attempts_run_out_exactly")

    def spend_attempt(self, challenge_id: str, /) -> CodeChallenge | None:
        spent = super().spend_attempt(challenge_id)
        return spent and attrs.evolve(spent, sent_at=naive(spent.sent_at))


class ConsumesWhatIsNotThere(FaultyChallenges):
    rejected_by = ("test_unknown_challenge", "test_consumed_once")

    def consume(self, challenge_id: str, /) -> bool:
        _ = super().consume(challenge_id)
        return True


class GivesOneAttemptMore(FaultyChallenges):
    rejected_by = ("test_attempts_run_out_exactly",)

    def add(self, challenge: CodeChallenge, /) -> None:
        more = challenge.attempts_left + 1
        super().add(attrs.evolve(challenge, attempts_left=more))


class LooksThenSpends(FaultyChallenges):
    rejected_by = ("test_attempts_run_out_exactly_at_the_same_moment",)

    def spend_attempt(self, challenge_id: str, /) -> CodeChallenge | None:
        challenge = self._rows.challenges.get(challenge_id)
        if challenge is None or challenge.attempts_left == 0:
            return None
        self.meeting.wait()
        return self.force(challenge_id, attempts_left=challenge.attempts_left - 1)


class LooksThenConsumes(FaultyChallenges):
    rejected_by = ("test_consume_has_one_winner",)

    def consume(self, challenge_id: str, /) -> bool:
        is_there = challenge_id in self._rows.challenges
        self.meeting.wait()
        _ = super().consume(challenge_id)
        return is_there


class SpendsByWritingBack(FaultyChallenges):
    rejected_by = ("test_consumed_stays_consumed",)

    def spend_attempt(self, challenge_id: str, /) -> CodeChallenge | None:
        challenge = self._rows.challenges.get(challenge_id)
        if challenge is None or challenge.attempts_left == 0:
            return None
        self.crossing.before_write()
        spent = attrs.evolve(challenge, attempts_left=challenge.attempts_left - 1)
        self._rows.challenges[challenge_id] = spent
        return spent

    def consume(self, challenge_id: str, /) -> bool:
        with self.crossing.act():
            return super().consume(challenge_id)


class SpendsAll(FaultyChallenges):
    rejected_by = ("test_one_challenge_changes_alone",)

    def spend_attempt(self, challenge_id: str, /) -> CodeChallenge | None:
        for other in [one for one in self._rows.challenges if one != challenge_id]:
            _ = super().spend_attempt(other)
        return super().spend_attempt(challenge_id)


class RenewsTheTimeOfSendingOnly(FaultyChallenges):
    rejected_by = ("test_renewed_when_due",)

    def renew(
        self,
        challenge_id: str,
        not_sent_after: datetime,
        sent_at: datetime,
        expires_at: datetime,
        /,
    ) -> tuple[CodeChallenge, bool] | None:
        before = self._rows.challenges[challenge_id].expires_at
        return super().renew(challenge_id, not_sent_after, sent_at, before)


class RenewsAttempts(FaultyChallenges):
    rejected_by = ("test_renewal_gives_no_attempt_back",)

    def renew(
        self,
        challenge_id: str,
        not_sent_after: datetime,
        sent_at: datetime,
        expires_at: datetime,
        /,
    ) -> tuple[CodeChallenge, bool] | None:
        renewed = super().renew(challenge_id, not_sent_after, sent_at, expires_at)
        return renewed and (self.force(challenge_id, attempts_left=5), renewed[1])


class RenewsByWritingBack(FaultyChallenges):
    rejected_by = ("test_renewal_at_the_same_moment_gives_no_attempt_back",)

    def renew(
        self,
        challenge_id: str,
        not_sent_after: datetime,
        sent_at: datetime,
        expires_at: datetime,
        /,
    ) -> tuple[CodeChallenge, bool] | None:
        before = self._rows.challenges.get(challenge_id)
        if before is None:
            return None
        self.crossing.before_write()
        renewed = super().renew(challenge_id, not_sent_after, sent_at, expires_at)
        return renewed and (
            self.force(challenge_id, attempts_left=before.attempts_left),
            renewed[1],
        )

    def spend_attempt(self, challenge_id: str, /) -> CodeChallenge | None:
        with self.crossing.act():
            return super().spend_attempt(challenge_id)


class IsDueASecondLate(FaultyChallenges):
    rejected_by = ("test_due_to_the_second",)

    def renew(
        self,
        challenge_id: str,
        not_sent_after: datetime,
        sent_at: datetime,
        expires_at: datetime,
        /,
    ) -> tuple[CodeChallenge, bool] | None:
        challenge = self._rows.challenges[challenge_id]
        if challenge.sent_at == not_sent_after:
            return challenge, False
        return super().renew(challenge_id, not_sent_after, sent_at, expires_at)


class RenewsAfterTheWindow(FaultyChallenges):
    rejected_by = ("test_window_ends_to_the_second",)

    def renew(
        self,
        challenge_id: str,
        not_sent_after: datetime,
        sent_at: datetime,
        expires_at: datetime,
        /,
    ) -> tuple[CodeChallenge, bool] | None:
        challenge = self._rows.challenges[challenge_id]
        if challenge.window_ends_at == sent_at:
            return challenge, False
        return super().renew(challenge_id, not_sent_after, sent_at, expires_at)


class RenewsSpentChallenges(FaultyChallenges):
    rejected_by = ("test_spent_challenge_is_gone",)

    def renew(
        self,
        challenge_id: str,
        not_sent_after: datetime,
        sent_at: datetime,
        expires_at: datetime,
        /,
    ) -> tuple[CodeChallenge, bool] | None:
        renewed = super().renew(challenge_id, not_sent_after, sent_at, expires_at)
        return renewed or (self._rows.challenges[challenge_id], False)


class LooksThenRenews(FaultyChallenges):
    rejected_by = ("test_renew_has_one_winner",)

    def renew(
        self,
        challenge_id: str,
        not_sent_after: datetime,
        sent_at: datetime,
        expires_at: datetime,
        /,
    ) -> tuple[CodeChallenge, bool] | None:
        is_due = self._rows.challenges[challenge_id].sent_at <= not_sent_after
        self.meeting.wait()
        renewed = super().renew(challenge_id, not_sent_after, sent_at, expires_at)
        return renewed and (renewed[0], is_due)


class PurgesWhatEndsNow(FaultyChallenges):
    rejected_by = ("test_purged_after_the_window",)

    def purge(self, before: datetime, limit: int, /) -> int:
        return super().purge(before + SECOND, limit)


class PurgesAllChallenges(FaultyChallenges):
    rejected_by = ("test_purge_stops_at_the_limit",)

    def purge(self, before: datetime, limit: int, /) -> int:
        return super().purge(before, 1_000)


class CutsSecondsOfChallenges(FaultyChallenges):
    rejected_by = ("test_challenge_comes_back_whole", "test_instants_are_utc")

    def add(self, challenge: CodeChallenge, /) -> None:
        super().add(changing(challenge, to_the_minute))


class KeepsLocalTimeOfChallenges(FaultyChallenges):
    rejected_by = ("test_zones_are_understood",)

    def add(self, challenge: CodeChallenge, /) -> None:
        super().add(changing(challenge, local))


class RoundsUpChallenges(FaultyChallenges):
    rejected_by = ("test_seconds_are_not_rounded",)

    def add(self, challenge: CodeChallenge, /) -> None:
        super().add(changing(challenge, rounded))


class FoldsIds(FaultyChallenges):
    rejected_by = ("test_unknown_challenge",)

    def consume(self, challenge_id: str, /) -> bool:
        return super().consume(challenge_id.lower())


class ForgetsExpiredCodes(FaultyChallenges):
    rejected_by = ("test_expired_code_is_renewed",)

    def renew(
        self,
        challenge_id: str,
        not_sent_after: datetime,
        sent_at: datetime,
        expires_at: datetime,
        /,
    ) -> tuple[CodeChallenge, bool] | None:
        if self._rows.challenges[challenge_id].expires_at < sent_at:
            return None
        return super().renew(challenge_id, not_sent_after, sent_at, expires_at)


class PurgesOneTooMany(FaultyChallenges):
    rejected_by = ("test_purge_stops_at_the_limit",)

    def purge(self, before: datetime, limit: int, /) -> int:
        return super().purge(before, limit + 1)


class PurgesAnHourEarly(FaultyChallenges):
    rejected_by = ("test_purged_after_the_window",)

    def purge(self, before: datetime, limit: int, /) -> int:
        return super().purge(before + timedelta(hours=1), limit)


class CountsThenPurges(FaultyChallenges):
    rejected_by = ("test_purges_count_each_once",)

    def __init__(self, rows: Rows) -> None:
        super().__init__(rows)
        self.all_have_counted = Meeting(8)

    def purge(self, before: datetime, limit: int, /) -> int:
        over = [
            one for one in self._rows.challenges.values() if one.window_ends_at < before
        ]
        self.all_have_counted.wait()
        _ = super().purge(before, limit)
        return len(over[:limit])


PLANTED: Final = planted_in(FaultyChallenges)
