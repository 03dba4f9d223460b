"""
The signed-in person sees where they are signed in, and closes what they do not know.
"""

from __future__ import annotations

from typing import Final, assert_never

import attrs

from ..events import Audit, EventKind
from ..model import Account, Client
from ..outcomes import (
    CloseAnswer,
    NotRecent,
    NotSignedIn,
    Resumed,
    SessionsAnswer,
    SessionsClosed,
    SessionsListed,
)
from ..ports import SessionLists, Sessions
from ..sessions import SessionKeeper


# Nobody reads more; closing all others closes the rest too.
MOST_LISTED: Final = 100
METHOD: Final = "open_sessions"


@attrs.frozen(kw_only=True)
class OpenSessions:
    """
    Account pages: one's sessions.

    Attributes:
        lists: None where the stores cannot list: then `is_offered` is False, and
            nobody may ask.
    """

    sessions: SessionKeeper
    store: Sessions
    lists: SessionLists | None
    audit: Audit

    @property
    def is_offered(self) -> bool:
        """
        Whether sessions can be listed at all.
        """
        return self.lists is not None

    def show(self, client: Client, /) -> SessionsAnswer:
        """
        List the open sessions of whoever is signed in.

        Returns:
            `SessionsListed`, up to 100, or `NotSignedIn`.
        """
        match self.sessions.resume(client.session):
            case Resumed(account=account, session=own, is_recent=is_recent):
                found = self._lists.of_account(account.id, MOST_LISTED)
                others = (one for one in found if one.digest != own.digest)
                return SessionsListed(
                    own=own,
                    others=tuple(
                        one for one in others if self.sessions.is_alive(one, account)
                    ),
                    is_recent=is_recent,
                )
            case NotSignedIn() as nobody:
                return nobody
            case _ as never:
                assert_never(never)

    def close(self, digest: str, client: Client, /) -> CloseAnswer:
        """
        Close one other session of the account.

        Returns:
            `SessionsClosed`, with 0 where it is no open session of this account, or
            the one that asks; `NotRecent`; `NotSignedIn`.
        """
        owner = self._owner(client)
        if not isinstance(owner, Resumed):
            return owner
        found = self.store.by_digest(digest)
        is_own = found is not None and found.account_id == owner.account.id
        if not is_own or digest == owner.session.digest:
            return SessionsClosed(number=0)
        return self._closed(owner.account, client, int(self.store.close(digest)))

    def close_others(self, client: Client, /) -> CloseAnswer:
        """
        Close all sessions of the account but the one that asks.
        """
        owner = self._owner(client)
        if not isinstance(owner, Resumed):
            return owner
        number = self._lists.close_others(owner.account.id, owner.session.digest)
        return self._closed(owner.account, client, number)

    def _owner(self, client: Client) -> Resumed | NotRecent | NotSignedIn:
        resumed = self.sessions.resume(client.session)
        if isinstance(resumed, Resumed) and not resumed.is_recent:
            return NotRecent()
        return resumed

    def _closed(self, account: Account, client: Client, number: int) -> SessionsClosed:
        if number:
            self.audit.record(
                EventKind.SESSIONS_REVOKED,
                account,
                client=client,
                method=METHOD,
                reason=f"{number} closed by their owner",
            )
        return SessionsClosed(number=number)

    @property
    def _lists(self) -> SessionLists:
        if self.lists is None:
            msg = "Stores(session_lists=) is missing: ask is_offered first"
            raise LookupError(msg)
        return self.lists
