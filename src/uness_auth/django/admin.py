"""
The accounts in Django's admin: to look at, and for the helpdesk's few actions.

An account's sessions are shown with it, to those who may see them: in which browser, from
where, when, and nothing that would open one.  Code challenges and counters are not shown,
and nothing here shows a password's hash or sets one: its owner does that, by a mailed
link.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from django.contrib import admin, messages
from django.contrib.admin.utils import display_for_value
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join

from ..errors import MailError, StorageError
from ..model import Client
from ..outcomes import AccountChanged, LinkSent
from ..wiring import UnessAuth
from .models import AccountRow, SessionRow
from .storage.sessions import LAST_USED_FIRST
from .storage.users import users


# The words of the admin, which is Django's and English at heart; not of any page.
STATES: Final = {
    "open": "with a password",
    "fresh": "without a password yet",
    "suspended": "password suspended",
    "disabled": "disabled",
    "early": "not open yet",
    "ended": "ended",
    "lost": "without an address",
}


# Of one account, those that were used last.
SESSIONS_SHOWN: Final = 20
_SESSIONS: Final = (
    "<table><thead><tr><th>Browser</th><th>Network</th><th>Opened</th><th>Last used</th>"
    "<th>Identity proved</th></tr></thead><tbody>{}</tbody></table>"
)
_SESSION: Final = "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>"


def _auth() -> UnessAuth:
    # Wired when it is needed: the admin is imported before.
    from .conf import get_auth  # noqa: PLC0415

    return get_auth()


def _terms() -> dict[str, Q]:
    users_, now = users(), _auth().clock()
    is_early, is_ended = Q(valid_from__gt=now), Q(valid_until__lte=now)
    is_disabled = Q(is_disabled=True)
    if users_.has_active:
        is_disabled |= Q(user__is_active=False)
    is_fresh = Q(user__password="") | Q(
        user__password__startswith=UNUSABLE_PASSWORD_PREFIX
    )
    return {
        "open": ~(is_fresh | is_disabled | is_early | is_ended)
        & Q(is_password_suspended=False),
        "fresh": is_fresh,
        "suspended": Q(is_password_suspended=True),
        "disabled": is_disabled,
        "early": is_early,
        "ended": is_ended,
        "lost": Q(address=None),
    }


class StateFilter(admin.SimpleListFilter):
    """
    Accounts in one state.
    """

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002 - Django's signature
        """
        Return the states, and how they are called.
        """
        return list(STATES.items())

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:  # noqa: ARG002 - Django's signature
        """
        Return the accounts in the chosen state.
        """
        state = _terms().get(self.value() or "")
        return queryset if state is None else queryset.filter(state)


@admin.register(AccountRow)
class AccountAdmin(admin.ModelAdmin):  # type: ignore[type-arg] # the stubs alone know any
    """
    Accounts with their state, to search, filter and act on.

    Adds nobody and erases nobody: `uness_auth accounts` does.  The actions ask for the
    permission to change accounts.
    """

    list_display = ("shown_address", "display_name", "state", "created_at")
    list_filter = (StateFilter, "language")
    list_select_related = ("user",)
    ordering = ("address",)
    actions = ("send_first_link", "disable", "enable", "sign_out")
    fields = (
        "shown_address",
        "id",
        "user",
        "display_name",
        "language",
        "state",
        "created_at",
        "valid_from",
        "valid_until",
    )
    readonly_fields = (*fields, "sessions")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:  # noqa: ARG002 - Django's signature
        """
        Return what is shown: sessions to those who have the permission to see them.
        """
        user: Any = request.user
        fields: Any = self.fields
        is_allowed = user.has_perm("uness_auth.view_sessionrow")
        return (*fields, "sessions") if is_allowed else fields

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:  # noqa: ARG002 - Django's signature
        """
        Return what the search looks into: the address as typed, too.
        """
        return ("address", "display_name", f"user__{users().email}")

    @transaction.non_atomic_requests
    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """
        Answer the list and its actions outside of ``ATOMIC_REQUESTS``: mails are counted.
        """
        return super().changelist_view(request, extra_context)

    @admin.display(description="address", ordering="address", empty_value="none")
    def shown_address(self, row: AccountRow) -> str | None:
        """
        Return the canonical address, by which the account is found.
        """
        return row.address

    @admin.display(description="state")
    def state(self, row: AccountRow) -> str:
        """
        Return the states that *row* is in.
        """
        state = users().state([getattr(row.user, name) for name in users().watched])
        now = _auth().clock()
        opens: datetime | None = getattr(row, "valid_from")  # noqa: B009 - the stubs know no type of it
        ends: datetime | None = getattr(row, "valid_until")  # noqa: B009 - the same
        found = {
            "lost": row.address is None,
            "disabled": row.is_disabled or not state.is_active,
            "early": opens is not None and now < opens,
            "ended": ends is not None and ends <= now,
            "suspended": row.is_password_suspended,
            "fresh": not state.password_hash,
        }
        return (
            ", ".join(STATES[one] for one, is_so in found.items() if is_so)
            or STATES["open"]
        )

    @admin.display(description="sessions")
    def sessions(self, row: AccountRow) -> str:
        """
        Return a table of the sessions under the account's present version.

        The last used first.  Those that ran out of time stay among them until they are
        purged.
        """
        found: Any = SessionRow.objects.filter(
            account=row.id, credential_version=row.credential_version
        ).order_by(LAST_USED_FIRST)[:SESSIONS_SHOWN]
        lines = [
            (
                one.browser or "unknown",
                one.network or "unknown",
                *(
                    display_for_value(at, "never")
                    for at in (one.opened_at, one.last_seen_at, one.authenticated_at)
                ),
            )
            for one in found
        ]
        return (
            format_html(_SESSIONS, format_html_join("", _SESSION, lines))
            if lines
            else "none"
        )

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 - Django's signature
        """
        Say no: `uness_auth accounts add` and a registrar's file add accounts.
        """
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 - Django's signature
        """
        Say no: `uness_auth accounts erase` erases an account with its user.
        """
        return False

    # --- Actions ----------------------------------------------------------------

    @admin.action(description="Mail the first link", permissions=["change"])
    def send_first_link(self, request: HttpRequest, rows: QuerySet[AccountRow]) -> None:
        """
        Mail a link to those who have no password yet, as if they had asked for it.
        """

        def send(auth: UnessAuth, address: str) -> bool:
            account = auth.identify.directory.active(address)
            if account is None or account.has_password:
                return False
            answer = auth.password_link.request(address, Client())
            return isinstance(answer, LinkSent)

        self._act(request, rows, send, "mailed")

    @admin.action(description="Disable", permissions=["change"])
    def disable(self, request: HttpRequest, rows: QuerySet[AccountRow]) -> None:
        """
        Close accounts: links, codes and sessions stop working at once.
        """
        self._change(request, rows, "disable", "disabled")

    @admin.action(description="Enable", permissions=["change"])
    def enable(self, request: HttpRequest, rows: QuerySet[AccountRow]) -> None:
        """
        Open closed accounts again.
        """
        self._change(request, rows, "enable", "enabled")

    @admin.action(description="Sign out everywhere", permissions=["change"])
    def sign_out(self, request: HttpRequest, rows: QuerySet[AccountRow]) -> None:
        """
        End every session, and links and codes with them.
        """
        self._change(request, rows, "sign_out", "signed out")

    def _change(
        self, request: HttpRequest, rows: QuerySet[AccountRow], name: str, done: str
    ) -> None:
        def change(auth: UnessAuth, address: str) -> bool:
            answer = getattr(auth.provisioning, name)(address)
            return isinstance(answer, AccountChanged)

        self._act(request, rows, change, done)

    def _act(
        self,
        request: HttpRequest,
        rows: QuerySet[AccountRow],
        act: Callable[[UnessAuth, str], bool],
        done: str,
    ) -> None:
        auth, count, left = _auth(), 0, 0
        for row in rows:
            try:
                is_done = row.address is not None and act(auth, row.address)
            except (MailError, StorageError) as exc:
                self.message_user(request, f"{row}: {exc}", messages.ERROR)
                is_done = False
            count, left = count + is_done, left + (not is_done)
        if count:
            self.message_user(request, f"{count} {done}.", messages.SUCCESS)
        if left:
            told = f"{left} left as they are: there was nothing to do, or it could not be done."
            self.message_user(request, told, messages.WARNING)
