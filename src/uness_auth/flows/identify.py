"""
The first step: an address, and the way it leads to.
"""

from __future__ import annotations

from typing import assert_never

import attrs

from ..directory import Anybody, Directory, Found
from ..model import Account, Client, OrderKind
from ..orders import Orders
from ..outcomes import (
    AddressMalformed,
    AddressUnknown,
    AskAnyWay,
    AskPassword,
    IdentifyAnswer,
    LinkSent,
    MailPaused,
    Throttled,
)


@attrs.frozen
class Identify:
    """
    S1: who is it, and which way do they sign in?
    """

    directory: Directory
    orders: Orders

    def begin(self, typed: str, client: Client, /) -> IdentifyAnswer:
        """
        Identify *typed* and send the first link where there is no password yet.

        Returns:
            `AskPassword` with a password, `LinkSent` or `MailPaused` without one,
            `AddressUnknown`, `AddressMalformed`, `Throttled` when the network asked
            for too many mails, and `AskAnyWay` where one page serves every address.

        Raises:
            uness_auth.errors.MailError: The link could not be sent.
        """
        match self.directory.find(typed, client):
            case Found(account=account) if account.has_password:
                return AskPassword(address=account.address)
            case Found(account=account):
                return self._send_first_link(account, client)
            case Anybody(address=address):
                return AskAnyWay(address=address)
            case AddressUnknown() | AddressMalformed() as refused:
                return refused
            case _ as never:
                assert_never(never)

    def _send_first_link(
        self, account: Account, client: Client
    ) -> LinkSent | MailPaused | Throttled:
        answer = self.orders.link(account.id, account, client)
        if isinstance(answer, OrderKind):
            return LinkSent(address=account.address, kind=answer)
        return answer
