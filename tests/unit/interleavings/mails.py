"""
Mails: the budget of a mailbox.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tests.unit.interleavings.desk import (
    CAMILLE,
    Call,
    Desk,
    Raised,
)
from tests.unit.interleavings.scenarios import (
    HERE,
    Runs,
    count,
    scenario,
)
from tests.unit.interleavings.walk import Race, Trouble, holds
from uness_auth import MailError
from uness_auth.outcomes import (
    LinkSent,
)


def _requests(
    desk: Desk, troubles: Callable[[Call], Iterable[Trouble]] | None = None
) -> Race:
    _ = desk.open()
    desk.add_camille()

    def check(runs: Runs) -> None:
        sent = count(runs, LinkSent)
        holds("mails", sent, desk.outbox.count(CAMILLE))
        holds("mails beyond one a minute", 0, max(0, sent - 1))
        failed = count(runs, Raised)
        if failed == 0:
            holds("mails", 1, sent)
        # Whose mail failed may ask again at once, if the other's did not leave.
        desk.outbox.messages.clear()
        again = desk.auth.password_link.request(CAMILLE, HERE)
        holds("a mail at once", sent == 0, isinstance(again, LinkSent))

    def ask() -> object:
        return desk.auth.password_link.request(CAMILLE, HERE)

    flows = {"first": ask, "second": ask}
    if troubles is None:
        return Race(flows=flows, check=check)
    return Race(flows=flows, check=check, troubles=troubles)


@scenario(orders=8_610)
def two_requests_for_a_link(desk: Desk) -> Race:
    """
    One mail leaves within the minute.
    """
    return _requests(desk)


@scenario(orders=45_714)
def two_requests_and_a_mail_that_fails(desk: Desk) -> Race:
    """
    The mail that failed gives its budget back, and its own alone.
    """

    def troubles(call: Call) -> Iterable[Trouble]:
        if call.name == "Mailer.send":
            yield Trouble(Raised(MailError, "the mail server is down"), is_done=False)

    return _requests(desk, troubles)
