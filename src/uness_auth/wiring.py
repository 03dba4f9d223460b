"""
The one composition root: ports and policy in, flows out.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Final, Protocol, TypeAlias, runtime_checkable

import attrs

from .codes import Codes
from .devices import Devices
from .directory import Directory
from .errors import ConfigurationError
from .events import ATTEMPTS, HISTORY, Audit, Subscriber
from .flows.code_sign_in import CodeSignIn
from .flows.identify import Identify
from .flows.open_sessions import OpenSessions
from .flows.password_change import PasswordChange
from .flows.password_link import PasswordLink
from .flows.password_sign_in import PasswordSignIn
from .guard import Guard
from .keys import HOW_TO_MAKE_ONE, KeyRing
from .messages import Messages
from .model import Account, MailOrder, Site
from .orders import Orders
from .password_check import NewPasswords, PasswordCheck
from .passwords import Argon2Hashing, HashingSlots
from .policy import DAY, MINUTE, Policy
from .ports import JoinedSessions, Mailer, OrderQueue, PasswordHashing, Stores
from .provisioning import Provisioning
from .sessions import SessionKeeper
from .site_guard import SiteGuard
from .tokens import LinkTokens


Network: TypeAlias = IPv4Network | IPv6Network
PURGE_LIMIT: Final = 1_000
CHALLENGES_KEPT: Final = DAY
SESSIONS_KEPT: Final = 7 * DAY
# By as much may the clocks of two processes disagree.
COUNTERS_KEPT: Final = MINUTE


def utc_now() -> datetime:
    """
    Return the time, aware, UTC, cut to whole seconds as every record keeps it.
    """
    return datetime.now(UTC).replace(microsecond=0)


def none_leaked(_password: str, /) -> bool:
    """
    Know of no leak.
    """
    return False


def anyone_may(_account: Account, /) -> bool:
    """
    Let every account sign in.
    """
    return True


@runtime_checkable
class _Startable(Protocol):
    def start(self, deliver: Callable[[MailOrder], None], /) -> None: ...


@attrs.frozen(kw_only=True)
class Parts:
    """
    What a sign-in was wired from: what `doctor` looks at.

    Attributes:
        sender: The one address that mails come from.

        has_own_keys: None were given: each start makes one.
    """

    stores: Stores
    mailer: Mailer
    queue: OrderQueue | None
    hashing: PasswordHashing
    processes: int
    sender: str
    has_own_keys: bool
    mail_folders: tuple[Path, ...]


class UnessAuth:
    """
    The sign-in of one site, wired: give it to an adapter, or call its flows.

    Args:
        site: Who the site is.

        stores: Where records are kept: `SQLStorage(…).stores`.

        mailer: Who hands mails over.

        keys:
            The signing keys, oldest first; the last signs.  May be left out on a
            loopback address with one process, where each start makes one.

        policy: How strict.

        queue: Keeps mail orders so that no request waits for a mail server.  Asked
            for by a policy that does not tell unknown addresses.

        hashing: Who hashes; argon2 as the policy says.

        processes: How many processes serve the site: they share the memory budget.

        trusted_proxies:
            How many proxies stand in front, or their networks.  Must be said where
            the base URL is https; 0 is an answer.

        trusted_networks: Campuses, whose budgets are larger: ``["192.0.2.0/24"]``.

        may_sign_in: The host's veto, asked after the proof and before the session.

        is_leaked:
            Says of a new password whether it is known to have leaked, from a file or
            a service of the host's; asked in the request.  Where it raises, nothing is
            set, and the visitor is asked to come back (503).

        subscribers: Called with every event, beside the log.

        mail_folders: Looked into for mail layouts before the library's own.

        clock: Returns aware UTC in whole seconds.

    Attributes:
        identify, password_link, password_sign_in, code_sign_in: The flows of a visitor.

        password_change, open_sessions: The flows of the signed-in person.

        sessions: Opens, resumes and closes sessions.

        parts: What it was wired from.

    Raises:
        uness_auth.errors.ConfigurationError: Naming the fault and every way out.
    """

    def __init__(
        self,
        *,
        site: Site,
        stores: Stores,
        mailer: Mailer,
        keys: Sequence[str | bytes] | None = None,
        policy: Policy | None = None,
        queue: OrderQueue | None = None,
        hashing: PasswordHashing | None = None,
        processes: int = 1,
        trusted_proxies: int | Sequence[str] | None = None,
        trusted_networks: Sequence[str] = (),
        may_sign_in: Callable[[Account], bool] = anyone_may,
        is_leaked: Callable[[str], bool] = none_leaked,
        subscribers: Iterable[Subscriber] = (),
        mail_folders: Sequence[Path] = (),
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self.site = site
        _check_stores(stores)
        self.policy: Policy = policy or Policy.uness()
        parts = (
            *attrs.asdict(stores, recurse=False).values(),
            mailer,
            queue,
            hashing,
            self.policy.throttle,
        )
        _check_doors(site, parts, processes=processes)
        _check_queue(self.policy, queue)
        self.keys: KeyRing = KeyRing(
            _keys_or_own(site, keys, processes=processes), base_url=site.base_url
        )
        self.trusted_proxies: int | tuple[Network, ...] = _proxies(
            site, trusted_proxies
        )
        self.trusted_networks: tuple[Network, ...] = _networks(
            "trusted_networks", trusted_networks
        )
        self.clock = clock
        self._stores = stores
        self._audit = Audit(
            clock, subscribers, keep=stores.events.add if stores.events else None
        )

        tokens = LinkTokens(self.keys, self.policy.link)
        codes = Codes(self.keys, self.policy.code)
        devices = Devices(self.keys, self.policy.throttle)
        guard = Guard(
            site=SiteGuard(
                counters=stores.counters,
                policy=self.policy.throttle,
                keys=self.keys,
                clock=clock,
                audit=self._audit,
            ),
            counters=stores.counters,
            policy=self.policy.throttle,
            keys=self.keys,
            devices=devices,
            clock=clock,
        )
        messages = Messages(
            site=site,
            policy=self.policy,
            tokens=tokens,
            codes=codes,
            folders=tuple(mail_folders),
            lists_sessions=stores.session_lists is not None,
        )
        self._orders = Orders(
            accounts=stores.accounts,
            guard=guard,
            messages=messages,
            mailer=mailer,
            queue=queue,
            policy=self.policy,
            clock=clock,
            audit=self._audit,
        )
        directory = Directory(
            accounts=stores.accounts,
            guard=guard,
            policy=self.policy.address,
            clock=clock,
            audit=self._audit,
        )
        slots = HashingSlots(self.policy.hashing, processes)
        hasher = hashing or Argon2Hashing(self.policy.hashing)
        self.parts: Parts = Parts(
            stores=stores,
            mailer=mailer,
            queue=queue,
            hashing=hasher,
            processes=processes,
            sender=messages.sender,
            has_own_keys=keys is None,
            mail_folders=tuple(mail_folders),
        )
        self.sessions: SessionKeeper = SessionKeeper(
            accounts=stores.accounts,
            store=stores.sessions,
            joined=_joined(stores),
            policy=self.policy.session,
            devices=devices,
            guard=guard,
            orders=self._orders,
            may_sign_in=may_sign_in,
            clock=clock,
            audit=self._audit,
        )
        self.identify: Identify = Identify(directory, self._orders)
        rules = NewPasswords(self.policy.password, is_leaked)
        self.password_link: PasswordLink = PasswordLink(
            directory=directory,
            orders=self._orders,
            tokens=tokens,
            accounts=stores.accounts,
            guard=guard,
            devices=devices,
            rules=rules,
            hashing=hasher,
            slots=slots,
            clock=clock,
            audit=self._audit,
        )
        password_check = PasswordCheck(
            accounts=stores.accounts,
            guard=guard,
            hashing=hasher,
            slots=slots,
            audit=self._audit,
        )
        self.password_sign_in: PasswordSignIn = PasswordSignIn(
            directory=directory,
            guard=guard,
            password_check=password_check,
            sessions=self.sessions,
        )
        self.code_sign_in: CodeSignIn = CodeSignIn(
            directory=directory,
            orders=self._orders,
            codes=codes,
            keys=self.keys,
            accounts=stores.accounts,
            challenges=stores.code_challenges,
            guard=guard,
            policy=self.policy.code,
            sessions=self.sessions,
            clock=clock,
            audit=self._audit,
        )
        self.password_change: PasswordChange = PasswordChange(
            accounts=stores.accounts,
            password_check=password_check,
            rules=rules,
            hashing=hasher,
            slots=slots,
            sessions=self.sessions,
            orders=self._orders,
            audit=self._audit,
        )
        self.open_sessions: OpenSessions = OpenSessions(
            sessions=self.sessions,
            store=stores.sessions,
            lists=stores.session_lists,
            audit=self._audit,
        )
        if isinstance(queue, _Startable):
            queue.start(self.deliver)

    @property
    def provisioning(self) -> Provisioning:
        """
        What a registrar does.

        Raises:
            uness_auth.errors.ConfigurationError: The stores have no registry.
        """
        if self._stores.registry is None:
            msg = "Stores(registry=) is missing: give the port that creates accounts"
            raise ConfigurationError(msg)
        return Provisioning(
            stores=self._stores,
            registry=self._stores.registry,
            site=self.site,
            policy=self.policy,
            orders=self._orders,
            clock=self.clock,
            audit=self._audit,
        )

    def deliver(self, order: MailOrder, /) -> None:
        """
        Compose and send one mail order: what a queue's worker calls.

        Raises:
            uness_auth.errors.MailError: It was not sent; try again later.
        """
        self._orders.deliver(order)

    def subscribe(self, subscriber: Subscriber, /) -> None:
        """
        Tell *subscriber* every event from now on.
        """
        self._audit.subscribe(subscriber)

    def purge(self) -> int:
        """
        Remove what has long expired, up to 1,000 rows of each kind; return how many.

        Call it from a timer; where it returns 1,000 or more, once again.
        """
        now = self.clock()
        longest_idle = max(
            self.policy.session.idle, self.policy.session.remembered_idle
        )
        return (
            self._stores.code_challenges.purge(now - CHALLENGES_KEPT, PURGE_LIMIT)
            + self._stores.sessions.purge(
                now - longest_idle - SESSIONS_KEPT, PURGE_LIMIT
            )
            + self._stores.counters.purge(now - COUNTERS_KEPT, PURGE_LIMIT)
            + self._purge_events(now)
        )

    def _purge_events(self, now: datetime) -> int:
        events, policy = self._stores.events, self.policy.events
        if events is None:
            return 0
        return sum(
            events.purge(kinds, now - kept, PURGE_LIMIT)
            for kinds, kept in (
                (HISTORY, policy.kept),
                (ATTEMPTS, policy.attempts_kept),
            )
        )


def _joined(stores: Stores) -> JoinedSessions | None:
    sessions = stores.sessions
    if isinstance(sessions, JoinedSessions) and sessions.joins is stores.accounts:
        return sessions
    return None


def _check_stores(stores: Stores) -> None:
    # Whoever mixes stores may have got None for one: without counters nothing would
    # be throttled, if it went on at all.
    for field in attrs.fields(Stores):
        if field.default is attrs.NOTHING and getattr(stores, field.name) is None:
            msg = (
                f"Stores({field.name}=) is None: give a store that keeps them, as "
                f"SQLStorage(url).{field.name}"
            )
            raise ConfigurationError(msg)


def _check_doors(site: Site, parts: Iterable[object], *, processes: int) -> None:
    if processes < 1:
        msg = f"processes={processes}: say how many processes serve the site, 1 or more"
        raise ConfigurationError(msg)
    doors = [one for one in parts if getattr(one, "for_development_only", False)]
    if doors and not (site.is_loopback and processes == 1):
        names = ", ".join(sorted({type(one).__name__ for one in doors}))
        msg = (
            f"{names} for development only, but the site is {site.base_url} with "
            f"{processes} process(es): use a real store, mailer or hasher, or http on "
            f"localhost with one process"
        )
        raise ConfigurationError(msg)


def _check_queue(policy: Policy, queue: OrderQueue | None) -> None:
    if policy.throttle.tells_unknown or queue is not None:
        return
    msg = (
        "ThrottlePolicy(tells_unknown=False) without a queue: a mail sent inside the "
        "request tells by its time who has an account: give "
        "queue=uness_auth.mailers.background.BackgroundQueue()"
    )
    raise ConfigurationError(msg)


def _keys_or_own(
    site: Site, keys: Sequence[str | bytes] | None, *, processes: int
) -> Sequence[str | bytes]:
    if keys is not None:
        return keys
    if site.is_loopback and processes == 1:
        return [secrets.token_bytes(32)]
    if site.is_loopback:
        msg = (
            f"keys is missing, and {processes} processes would each make their own and "
            f"refuse what the others signed: {HOW_TO_MAKE_ONE}"
        )
        raise ConfigurationError(msg)
    msg = (
        f"keys is missing, and {site.base_url} is no loopback address, where one would "
        f"be made at each start: {HOW_TO_MAKE_ONE}"
    )
    raise ConfigurationError(msg)


def _proxies(
    site: Site, given: int | Sequence[str] | None
) -> int | tuple[Network, ...]:
    if given is None and site.is_https:
        msg = (
            "trusted_proxies is missing: say how many proxies stand in front of "
            f"{site.base_url}, or their networks; 0 is an answer.  Otherwise all "
            "visitors behind a proxy would share one network's budgets"
        )
        raise ConfigurationError(msg)
    if isinstance(given, int) and given < 0:
        msg = f"trusted_proxies={given}: give 0 or more"
        raise ConfigurationError(msg)
    if given is None or isinstance(given, int):
        return given or 0
    return _networks("trusted_proxies", given)


def _networks(name: str, given: Sequence[str]) -> tuple[Network, ...]:
    if isinstance(given, str):
        msg = f"{name} is one text, a list is needed: write {name}=[{given!r}]"
        raise ConfigurationError(msg)
    try:
        return tuple(ip_network(text) for text in given)
    except ValueError as exc:
        msg = f"{name}: {exc}: write networks as 192.0.2.0/24 or 2001:db8::/32"
        raise ConfigurationError(msg) from exc
