"""
What the storage on Redis and Valkey does beside the contracts.
"""

from __future__ import annotations

import logging
import os
import re
import secrets
import socket
import ssl
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import attrs
import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st
from redis import Redis

from tests.contract.stand_ins import answering, bulk, leading_to
from tests.servers.server import Server
from uness_auth.errors import ConfigurationError, StorageError
from uness_auth.model import CodeChallenge
from uness_auth.storage import redis
from uness_auth.storage.redis import RedisStorage
from uness_auth.storage.redis.code_challenges import RedisCodeChallenges
from uness_auth.storage.redis.counters import RedisCounters
from uness_auth.storage.redis.server import LEEWAY, POOL_SIZE, forget_all
from uness_auth.storage.redis.urls import options_from


MINUTE: Final = timedelta(minutes=1)
# Rows go by the real clock.
NOW: Final = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
CHALLENGE: Final = CodeChallenge(
    id="0f" * 16,
    account_id="4711",
    credential_version=7,
    key_id="1a",
    browser_digest="b7" * 32,
    sent_at=NOW,
    expires_at=NOW + 3 * MINUTE,
    window_ends_at=NOW + 15 * MINUTE,
    attempts_left=5,
)
KEY: Final = "5e" * 32
# In seconds: what `hasty` may wait, and as much again for a machine that is busy.
SOON: Final = 2

CALLS: Final[dict[str, Callable[[Any], object]]] = {
    "RedisCodeChallenges.add()": lambda to: to.code_challenges.add(
        attrs.evolve(CHALLENGE, id=secrets.token_hex(16))
    ),
    "RedisCodeChallenges.renew()": lambda to: to.code_challenges.renew(
        CHALLENGE.id, NOW, NOW + MINUTE, NOW + 4 * MINUTE
    ),
    "RedisCodeChallenges.spend_attempt()": lambda to: to.code_challenges.spend_attempt(
        CHALLENGE.id
    ),
    "RedisCodeChallenges.consume()": lambda to: to.code_challenges.consume(
        CHALLENGE.id
    ),
    "RedisCodeChallenges.purge()": lambda to: to.code_challenges.purge(NOW, 1),
    "RedisCounters.read()": lambda to: to.counters.read(KEY),
    "RedisCounters.swap()": lambda to: to.counters.swap(KEY, "a", "b", NOW),
    "RedisCounters.swap() of nothing": lambda to: to.counters.swap(KEY, None, "a", NOW),
    "RedisCounters.add()": lambda to: to.counters.add(KEY, 1, NOW),
    "RedisCounters.add() of none": lambda to: to.counters.add(KEY, 0, NOW),
    "RedisCounters.server_time()": lambda to: to.counters.server_time(),
    "RedisCounters.purge()": lambda to: to.counters.purge(NOW, 1),
}
WRITES: Final = [
    name for name in CALLS if not re.search(r"purge|consume|read|time|none$", name)
]

# Nothing but what the commands need.
USER: Final = (
    "ACL SETUSER portal reset on >geheim ~uness_auth:* +select +ping +get +set +del "
    "+eval +evalsha +exists +hset +hget +hmget +hincrby +pexpireat +pexpiretime "
    "+time"
)


@pytest.fixture(name="storage")
def _storage(hot_url: str) -> Iterator[RedisStorage]:
    """
    A storage on an empty server of each kind.
    """
    with closing(RedisStorage(hot_url)) as storage:
        yield storage


@pytest.fixture(name="client")
def _client(hot_url: str) -> Iterator[Any]:
    """
    Another client of the same server, to look at what is kept.
    """
    with looking_into(hot_url) as client:
        yield client


@contextmanager
def looking_into(url: str) -> Iterator[Any]:
    """
    A client whose types are left open, as the driver leaves them.
    """
    with closing(Redis.from_url(url, decode_responses=True)) as client:
        yield client


@contextmanager
def hasty(url: str) -> Iterator[RedisStorage]:
    """
    A storage that waits for a second at most, and has looked at its server.
    """
    with closing(RedisStorage(url, longest_wait=timedelta(seconds=1))) as storage:
        _ = (storage.code_challenges, storage.counters)
        yield storage


def tell(server: Server, *command: str | int) -> Any:
    """
    Run a command as the operator.
    """
    with looking_into(server.url) as client:
        return client.execute_command(*command)


def refused(url: str) -> ConfigurationError:
    """
    Return what a text that is no URL of ours is told.
    """
    with pytest.raises(ConfigurationError) as told:
        _ = options_from(url)
    return told.value


class TestURLs:
    @pytest.mark.parametrize(
        "url",
        [
            "",
            "portal:geheim",
            "localhost:6379",
            "redis:localhost",
            "postgresql://portal:geheim@db/portal",
            "valkey://portal:geheim@hot",
            "redis+sentinel://portal:geheim@hot",
            # What is no number would be the first database.
            "redis://:geheim@hot/portal",
            "redis://:geheim@hot/0/1",
            "redis://:geheim@hot?db=portal",
            # A password that was not quoted.
            "redis://portal:geh/eim@hot",
            "redis://portal:geh?eim@hot",
            "redis://portal:geh#eim@hot",
            # What is decided here.
            "redis://:geheim@hot?socket_timeout=60",
            "redis://:geheim@hot?retry_on_timeout=yes",
            "redis://:geheim@hot?db=0&timeout=60",
            "redis://hot?ssl_ca_certs=ca.pem",
            "rediss://:geheim@hot?ssl_cert_reqs=none",
            "unix://",
        ],
    )
    def test_others_are_refused(self, url: str) -> None:
        """
        What is no URL of ours is refused, with the ways out and without a password.
        """
        with pytest.raises(ConfigurationError, match="write redis://local") as told:
            _ = RedisStorage(url)

        assert "geh" not in str(told.value)
        assert told.value.__suppress_context__

    def test_what_they_say(self) -> None:
        """
        Host, port, user and database are those of the URL.
        """
        options = options_from("rediss://por%2Ftal:ge%40heim@hot:7000/3")

        assert ("hot", 7000, 3, "por/tal", "ge@heim") == tuple(
            options[name] for name in ("host", "port", "db", "username", "password")
        )

    @given(
        st.text(max_size=200)
        | st.text("redis:/@?&=#[]%0123456789.dbsl", max_size=80).map(
            "redis://{}".format
        )
        | st.text("ssl_caerthpd=&%/@:x0", max_size=80).map("rediss://h/0?{}".format)
        | st.text("/.?&=db%\x00é", max_size=80).map("unix://{}".format)
    )
    def test_any_text_is_read_or_told(self, url: str) -> None:
        """
        Never an exception but ours, and it repeats nothing of what was given.
        """
        try:
            options = options_from(url)
        except ConfigurationError as exc:
            told, options = exc, {}
        else:
            told = refused("")

        assert str(refused("")) == str(told)
        assert told.__suppress_context__
        assert not options or isinstance(options["db"], int)
        assert not options or {"path", "host"} & options.keys()

    def test_what_they_leave_open(self) -> None:
        """
        The shortest names the first database of this machine.
        """
        options = options_from("redis://")

        assert ("localhost", 6379, 0) == tuple(
            options[name] for name in ("host", "port", "db")
        )

    def test_sockets(self, own_valkey: Server) -> None:
        """
        A socket of this machine serves as well.
        """
        url = f"unix://{own_valkey.folder}/socket?db=3"

        with closing(RedisStorage(url)) as storage:
            storage.code_challenges.add(CHALLENGE)

        assert 1 == int(Redis(port=own_valkey.port, db=3).dbsize())

    def test_databases_are_apart(self, own_valkey: Server) -> None:
        """
        The number at the end of the URL says where rows are.
        """
        first, third = (
            RedisStorage(f"redis://127.0.0.1:{own_valkey.port}{path}")
            for path in ("", "/3")
        )
        with closing(first), closing(third):
            third.code_challenges.add(CHALLENGE)

            assert not first.code_challenges.consume(CHALLENGE.id)
            assert third.code_challenges.consume(CHALLENGE.id)

    def test_missing_driver_is_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """
        A driver that is not installed is told with what to install.
        """
        for name in ("code_challenges", "connections", "counters", "server", "urls"):
            monkeypatch.delitem(sys.modules, f"{redis.__name__}.{name}")
            monkeypatch.delattr(redis, name)
        monkeypatch.setitem(sys.modules, "redis", None)

        with pytest.raises(ConfigurationError, match=r"'uness-auth\[redis\]'"):
            _ = RedisStorage("redis://")


class TestSteps:
    def test_every_method_is_tried(self) -> None:
        """
        The list of calls above names every method of both stores.
        """
        assert {
            f"{cls.__name__}.{method}()"
            for cls in (RedisCodeChallenges, RedisCounters)
            for method in vars(cls)
            if not method.startswith("_")
        } == {name.split(" ")[0] for name in CALLS}

    def test_each_is_one_round_trip(self, storage: RedisStorage, client: Any) -> None:
        """
        A call sends one command, and the server is not asked again what it is.
        """
        # Once, so that connections are open and scripts known.
        for call in CALLS.values():
            _ = call(storage)

        sent = {
            name: len(commands_of(call, storage, client))
            for name, call in CALLS.items()
        }

        assert dict.fromkeys(CALLS, 1) == sent

    def test_flushed_scripts_are_sent_again(
        self, storage: RedisStorage, client: Any
    ) -> None:
        """
        A server that forgot the scripts is told them, once, and nothing is lost.
        """
        storage.code_challenges.add(CHALLENGE)
        assert 1 == storage.counters.add(KEY, 1, NOW)
        client.script_flush()

        commands = commands_of(lambda to: to.counters.add(KEY, 1, NOW), storage, client)
        again = commands_of(lambda to: to.counters.add(KEY, 1, NOW), storage, client)

        assert ["EVALSHA", "EVAL"] == [one.split()[0] for one in commands]
        assert ["EVALSHA"] == [one.split()[0] for one in again]
        assert 3 == storage.counters.add(KEY, 0, NOW)

    def test_keys_hold_nothing_that_was_given(
        self, storage: RedisStorage, client: Any
    ) -> None:
        """
        A key's name is a digest, whatever it is asked for.
        """
        for odd in ("../*", "a b\r\nFLUSHALL", "\x00", "é" * 5_000, KEY):
            storage.code_challenges.add(attrs.evolve(CHALLENGE, id=odd))
            _ = storage.counters.add(odd, 1, NOW)
            assert storage.counters.swap(odd, None, "text", NOW)

        names = list(client.scan_iter())

        assert 15 == len(names)
        assert [] == [
            name
            for name in names
            if not re.fullmatch(
                r"uness_auth:(challenge|number|text):[0-9a-f]{64}", name
            )
        ]
        assert not any(KEY in name for name in names)

    @pytest.mark.parametrize("odd", ["", "\x00", "\ud800", "x" * 100_000, "🦄 *?[a]"])
    def test_any_id_may_be_asked_for(self, storage: RedisStorage, odd: str) -> None:
        """
        What a form sends as a challenge's id is unknown, and no fault.
        """
        assert storage.code_challenges.spend_attempt(odd) is None
        assert not storage.code_challenges.consume(odd)
        assert storage.code_challenges.renew(odd, NOW, NOW, NOW) is None

    def test_kinds_do_not_meet(self, storage: RedisStorage) -> None:
        """
        A text, a number and a challenge of one name are three.
        """
        storage.code_challenges.add(attrs.evolve(CHALLENGE, id=KEY))
        assert storage.counters.swap(KEY, None, "text", NOW)
        assert 1 == storage.counters.add(KEY, 1, NOW)

        assert "text" == storage.counters.read(KEY)
        assert storage.code_challenges.consume(KEY)
        assert 1 == storage.counters.add(KEY, 0, NOW)


class TestKeys:
    def test_no_two_names_share_one(self, storage: RedisStorage, client: Any) -> None:
        """
        P59: names with spaces, line ends, colons or 300 characters have keys of their
        own, short and plain, and so have texts, numbers and challenges of one name.
        """
        names = [
            "a",
            "a:b",
            "a b",
            "a\nb",
            "a\r\nb",
            "text:a",
            "A",
            "é",
            "e\u0301",
            "x" * 300,
            "x" * 299 + "y",
        ]
        for name in names:
            assert 1 == storage.counters.add(name, 1, NOW)
            assert storage.counters.swap(name, None, name, NOW)
            storage.code_challenges.add(attrs.evolve(CHALLENGE, id=name))
        keys = client.keys("*")

        assert 3 * len(names) == len(keys)
        assert all(re.fullmatch(r"uness_auth:\w+:[0-9a-f]{64}", key) for key in keys)
        assert names == [storage.counters.read(name) for name in names]


class TestExpiry:
    def test_challenges_go_after_their_window(
        self, storage: RedisStorage, client: Any
    ) -> None:
        """
        The server drops a challenge when its window has ended.
        """
        storage.code_challenges.add(CHALLENGE)
        assert storage.code_challenges.spend_attempt(CHALLENGE.id)

        assert [CHALLENGE.window_ends_at + LEEWAY] == ends(client)

    def test_codes_may_outlive_the_window(
        self, storage: RedisStorage, client: Any
    ) -> None:
        """
        A code that is sent again at the last moment works for all of its lifetime.
        """
        late = CHALLENGE.window_ends_at - timedelta(seconds=1)
        storage.code_challenges.add(CHALLENGE)

        _ = storage.code_challenges.renew(CHALLENGE.id, NOW, late, late + 3 * MINUTE)

        assert [late + 3 * MINUTE + LEEWAY] == ends(client)

    def test_renewed_early_nothing_goes_earlier(
        self, storage: RedisStorage, client: Any
    ) -> None:
        """
        A renewal shortens no window.
        """
        storage.code_challenges.add(CHALLENGE)

        assert storage.code_challenges.renew(
            CHALLENGE.id, NOW, NOW + MINUTE, NOW + 4 * MINUTE
        )

        assert [CHALLENGE.window_ends_at + LEEWAY] == ends(client)

    def test_texts_go_when_they_expire(
        self, storage: RedisStorage, client: Any
    ) -> None:
        """
        The end of a text is the one that its last swap gave, in any time zone.
        """
        elsewhere = NOW.astimezone(datetime.now().astimezone().tzinfo)
        assert storage.counters.swap(KEY, None, "one", NOW + MINUTE)
        assert [NOW + MINUTE + LEEWAY] == ends(client)

        assert storage.counters.swap(KEY, "one", "two", elsewhere)
        assert [NOW + LEEWAY] == ends(client)

    def test_numbers_keep_their_latest_end(
        self, storage: RedisStorage, client: Any
    ) -> None:
        """
        A later end keeps a number longer, an earlier one no shorter.
        """
        found = []
        for delta, end in ((1, NOW), (1, NOW + MINUTE), (1, NOW), (-1, NOW)):
            _ = storage.counters.add(KEY, delta, end)
            found += ends(client)

        assert [NOW + LEEWAY, *[NOW + MINUTE + LEEWAY] * 3] == found

    def test_looks_leave_nothing(self, storage: RedisStorage, client: Any) -> None:
        """
        Whoever only looks creates no key, and keeps none longer.
        """
        assert 0 == storage.counters.add(KEY, 0, NOW)
        assert storage.counters.read(KEY) is None
        assert storage.code_challenges.spend_attempt(CHALLENGE.id) is None
        assert not storage.counters.swap(KEY, "one", "two", NOW)
        assert [] == ends(client)

        _ = storage.counters.add(KEY, 1, NOW)
        _ = storage.counters.add(KEY, 0, NOW + MINUTE)
        assert [NOW + LEEWAY] == ends(client)

    def test_the_servers_clock(self, storage: RedisStorage) -> None:
        """
        The server says what time it is; here it is this machine's.
        """
        apart = storage.counters.server_time() - datetime.now(UTC)  # type: ignore[attr-defined]  # no port's

        assert abs(apart) < MINUTE

    def test_what_is_over_is_gone(self, storage: RedisStorage, client: Any) -> None:
        """
        What ended over a minute ago is dropped as soon as it is written.
        """
        past = datetime.now(UTC) - LEEWAY - timedelta(seconds=1)
        storage.code_challenges.add(
            attrs.evolve(CHALLENGE, expires_at=past, window_ends_at=past)
        )
        _ = storage.counters.add(KEY, 1, past)
        _ = storage.counters.swap(KEY, None, "text", past)

        assert 0 == storage.counters.add(KEY, 0, past)
        assert storage.counters.read(KEY) is None
        assert storage.code_challenges.spend_attempt(CHALLENGE.id) is None
        assert [] == ends(client)

    def test_a_purge_finds_nothing_to_do(self, storage: RedisStorage) -> None:
        """
        It removes nothing, even of what it was told to.
        """
        storage.code_challenges.add(CHALLENGE)
        _ = storage.counters.add(KEY, 1, NOW)

        later = NOW + timedelta(days=1)
        assert 0 == storage.code_challenges.purge(later, 10)
        assert 0 == storage.counters.purge(later, 10)
        assert 1 == storage.counters.add(KEY, 0, NOW)
        assert storage.code_challenges.consume(CHALLENGE.id)


class TestCheck:
    def test_limited_memory_that_drops_nothing(self, own_hot: Server) -> None:
        """
        A limit is no fault where writes are refused beyond it.
        """
        tell(own_hot, "CONFIG", "SET", "maxmemory", "100mb")
        tell(own_hot, "CONFIG", "SET", "maxmemory-policy", "noeviction")

        with closing(RedisStorage(own_hot.url)) as storage:
            assert 1 == storage.counters.add(KEY, 1, NOW)

    def test_a_policy_that_never_applies(self, own_hot: Server) -> None:
        """
        Without a limit nothing is dropped, whatever the policy says.
        """
        tell(own_hot, "CONFIG", "SET", "maxmemory-policy", "allkeys-lru")

        with closing(RedisStorage(own_hot.url)) as storage:
            assert 1 == storage.counters.add(KEY, 1, NOW)

    @pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-ttl"])
    def test_counters_that_may_be_dropped(self, own_hot: Server, policy: str) -> None:
        """
        A server that may drop counters is refused; challenges it may keep.

        Put right, it serves without a restart of the site.
        """
        tell(own_hot, "CONFIG", "SET", "maxmemory", "100mb")
        tell(own_hot, "CONFIG", "SET", "maxmemory-policy", policy)

        with closing(RedisStorage(own_hot.url)) as storage:
            with pytest.raises(ConfigurationError) as told:
                _ = storage.counters
            storage.code_challenges.add(CHALLENGE)
            tell(own_hot, "CONFIG", "SET", "maxmemory-policy", "noeviction")

            assert 1 == storage.counters.add(KEY, 1, NOW)

        assert (
            f"127.0.0.1:{own_hot.port} drops counters when its memory is full "
            f"(maxmemory-policy {policy}), and with them what limits guessing: set "
            f"maxmemory-policy noeviction, or keep the counters on another server or "
            f"in uness_auth.storage.sql.SQLStorage"
        ) == str(told.value)

    def test_a_user_with_few_rights(
        self, own_hot: Server, caplog: pytest.LogCaptureFixture
    ) -> None:
        """
        Commands that only operators need are not needed; what is not seen is said once.
        """
        tell(own_hot, *USER.split())
        url = f"redis://portal:geheim@127.0.0.1:{own_hot.port}/3"

        with closing(RedisStorage(url)) as storage:
            for _ in range(2):
                for call in CALLS.values():
                    _ = call(storage)

        assert [
            (
                "uness_auth.storage.redis",
                logging.WARNING,
                (
                    f"127.0.0.1:{own_hot.port} does not say whether it drops counters "
                    f"when its memory is full: allow INFO to its user, or make sure "
                    f"that maxmemory-policy is noeviction"
                ),
            )
        ] == caplog.record_tuples

    def test_a_wrong_password(self, own_hot: Server) -> None:
        """
        Whoever is not let in is told so, without the password.
        """
        tell(own_hot, *USER.split())
        url = f"redis://portal:g3heim@127.0.0.1:{own_hot.port}/0"

        with (
            closing(RedisStorage(url)) as storage,
            pytest.raises(StorageError) as told,
        ):
            _ = storage.counters

        assert "RedisStorage.counters failed" == str(told.value)
        assert "g3heim" not in repr(told.value.__cause__) + str(told.value.__cause__)

    def test_a_replica(self, own_hot: Server) -> None:
        """
        What takes no writes is refused at start; what becomes so later refuses writes.
        """
        with hasty(own_hot.url) as storage:
            storage.code_challenges.add(CHALLENGE)
            assert storage.counters.swap(KEY, None, "a", NOW)
            tell(own_hot, "REPLICAOF", "127.0.0.1", 1)

            for name in WRITES:
                with pytest.raises(StorageError, match=r"failed: .*read only replica"):
                    _ = CALLS[name](storage)
            with (
                closing(RedisStorage(own_hot.url)) as late,
                pytest.raises(ConfigurationError, match="name its primary"),
            ):
                _ = late.counters
            tell(own_hot, "REPLICAOF", "NO", "ONE")

            spent = storage.code_challenges.spend_attempt(CHALLENGE.id)
        assert spent is not None
        assert 4 == spent.attempts_left

    @pytest.mark.parametrize(
        ("facts", "said"),
        [
            ("redis_version:6.2.14", "answers like Redis 6.2: upgrade it"),
            ("redis_version:7.0.0\r\nredis_mode:cluster", "runs in cluster mode"),
            ("redis_version:7.2.4\r\nredis_mode:sentinel", "runs in sentinel mode"),
            ("redis_version:7.2.4\r\nrole:slave", "is a replica"),
            ("redis_version:9.0\r\nmaxmemory_policy:allkeys-lru", "drops counters"),
        ],
    )
    def test_servers_that_cannot_serve(self, facts: str, said: str) -> None:
        """
        Too old, one of many, or free to forget: refused, with the ways out.
        """
        with (
            answering({"INFO": bulk(f"# Server\r\n{facts}\r\n")}) as port,
            closing(RedisStorage(f"redis://127.0.0.1:{port}")) as storage,
            pytest.raises(ConfigurationError, match=said),
        ):
            _ = storage.counters

    @pytest.mark.parametrize(
        "answer",
        [
            bulk("# Server\r\nserver_name:other\r\n"),
            b"-ERR unknown command 'INFO', with args beginning with: \r\n",
        ],
    )
    def test_a_stand_in_that_says_nothing(
        self, answer: bytes, caplog: pytest.LogCaptureFixture
    ) -> None:
        """
        What hides what it is may serve; what it does not say is logged.
        """
        with (
            answering({"INFO": answer}) as port,
            closing(RedisStorage(f"redis://127.0.0.1:{port}")) as storage,
        ):
            _ = (storage.code_challenges, storage.counters)

        assert 1 == len(caplog.records)

    def test_a_server_that_cannot_answer_yet(self) -> None:
        """
        One that still reads its data has not been looked at.
        """
        with (
            answering({"INFO": b"-LOADING Redis is loading\r\n"}) as port,
            closing(RedisStorage(f"redis://127.0.0.1:{port}")) as storage,
            pytest.raises(StorageError, match=r"RedisStorage\.counters failed"),
        ):
            _ = storage.counters

    def test_any_other_refusal_is_told(self) -> None:
        """
        What is neither an answer nor a lack of rights is a fault.
        """
        with (
            answering({"INFO": b"-ERR internal\r\n"}) as port,
            closing(RedisStorage(f"redis://127.0.0.1:{port}")) as storage,
            pytest.raises(StorageError, match="failed: internal"),
        ):
            _ = storage.counters


class TestFaults:
    @pytest.mark.parametrize("name", CALLS)
    def test_a_lost_server_is_told(self, own_valkey: Server, name: str) -> None:
        """
        Where the server is gone the store raises, and says in what call.
        """
        with hasty(own_valkey.url) as storage:
            own_valkey.stop()

            with pytest.raises(StorageError) as told:
                _ = CALLS[name](storage)

        assert f"{name.split(' ', maxsplit=1)[0]} failed" == str(told.value)
        assert told.value.__cause__ is not None

    @pytest.mark.parametrize("ending", ["stop", "kill"])
    def test_a_restart_is_not_noticed(self, own_hot: Server, ending: str) -> None:
        """
        Connections that the server closed are not used, however many there are.
        """
        with hasty(own_hot.url) as storage, ThreadPoolExecutor(8) as pool:
            seen = list(
                pool.map(lambda _: storage.counters.add(KEY, 1, NOW), range(80))
            )
            getattr(own_hot, ending)()
            own_hot.start()
            seen += pool.map(lambda _: storage.counters.add(KEY, 1, NOW), range(80))

        assert list(range(1, 161)) == sorted(seen)

    def test_a_frozen_server_is_given_up(self, own_hot: Server) -> None:
        """
        Whoever waits for it gives up in time, and what was asked is done once at most.
        """
        with hasty(own_hot.url) as storage:
            storage.code_challenges.add(CHALLENGE)
            own_hot.pause()
            began = time.monotonic()
            with pytest.raises(StorageError):
                _ = storage.code_challenges.spend_attempt(CHALLENGE.id)
            waited = time.monotonic() - began
            own_hot.resume()

            spent = storage.code_challenges.spend_attempt(CHALLENGE.id)

        assert spent is not None
        assert spent.attempts_left in {3, 4}
        assert waited < SOON

    def test_a_crowd_before_a_frozen_server_gives_up(self, own_valkey: Server) -> None:
        """
        Nobody waits longer because all connections are waited for; then all is well.
        """

        def wait(_: int) -> float:
            began = time.monotonic()
            with pytest.raises(StorageError):
                _ = storage.counters.add(KEY, 1, NOW)
            return time.monotonic() - began

        count = 2 * POOL_SIZE
        with hasty(own_valkey.url) as storage, ThreadPoolExecutor(count) as pool:
            own_valkey.pause()
            waited = list(pool.map(wait, range(count)))
            own_valkey.resume()

            assert storage.counters.add(KEY, 1, NOW) <= count + 1
        assert max(waited) < SOON

    def test_a_port_that_accepts_nobody_is_given_up(self) -> None:
        """
        Connecting is not waited for without end.
        """
        with socket.socket() as full:
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            crowd = [socket.socket() for _ in range(4)]
            for one in crowd:
                one.setblocking(False)
                _ = one.connect_ex(full.getsockname())
            url = f"redis://127.0.0.1:{full.getsockname()[1]}/0"
            began = time.monotonic()

            with pytest.raises(StorageError), hasty(url):
                pass
            for one in crowd:
                one.close()

        assert time.monotonic() - began < SOON

    def test_a_slow_server_is_given_up(self) -> None:
        """
        Many small delays count as one: being let in, each answer, and ours.
        """
        second = timedelta(seconds=1)
        with (
            answering({"INFO": bulk("# Server\r\nx:1\r\n")}, after=0.3) as port,
            closing(
                RedisStorage(f"redis://:geheim@127.0.0.1:{port}/3", longest_wait=second)
            ) as storage,
        ):
            began = time.monotonic()
            with pytest.raises(StorageError):
                _ = storage.counters
            waited = time.monotonic() - began

        assert waited < SOON

    @pytest.mark.parametrize("command", ["EVALSHA", "DEL", "SET"])
    def test_a_lost_answer_is_not_asked_for_again(
        self, own_hot: Server, command: str
    ) -> None:
        """
        What was done and not heard of is done once: an attempt is not counted twice.
        """
        with (
            hasty(own_hot.url) as direct,
            leading_to(own_hot.port, losing=command) as port,
            hasty(f"redis://127.0.0.1:{port}/0") as storage,
        ):
            direct.code_challenges.add(CHALLENGE)
            # The server knows the script from here on.
            assert direct.code_challenges.spend_attempt(CHALLENGE.id)
            steps: dict[str, Callable[[], object]] = {
                "EVALSHA": lambda: storage.code_challenges.spend_attempt(CHALLENGE.id),
                "DEL": lambda: storage.code_challenges.consume(CHALLENGE.id),
                "SET": lambda: storage.counters.swap(KEY, None, "text", NOW),
            }
            with pytest.raises(StorageError):
                _ = steps[command]()

            spent = direct.code_challenges.spend_attempt(CHALLENGE.id)
            assert {"EVALSHA": 2, "SET": 3, "DEL": None}[command] == (
                spent and spent.attempts_left
            )
            text = "text" if command == "SET" else None
            assert text == direct.counters.read(KEY)

    def test_full_memory_refuses(self, own_hot: Server) -> None:
        """
        A server without room takes no writes, loses nothing and can still be read.
        """
        with hasty(own_hot.url) as storage:
            storage.code_challenges.add(CHALLENGE)
            assert storage.counters.swap(KEY, None, "a", NOW)
            assert 1 == storage.counters.add(KEY, 1, NOW)
            tell(own_hot, "CONFIG", "SET", "maxmemory", 1)

            for name in WRITES:
                with pytest.raises(StorageError, match=r"failed: .*(maxmemory|OOM)"):
                    _ = CALLS[name](storage)
            assert "a" == storage.counters.read(KEY)
            assert 1 == storage.counters.add(KEY, 0, NOW)
            tell(own_hot, "CONFIG", "SET", "maxmemory", 0)

            spent = storage.code_challenges.spend_attempt(CHALLENGE.id)
        assert attrs.evolve(CHALLENGE, attempts_left=4) == spent

    def test_arguments_are_not_told(self) -> None:
        """
        A server that repeats what it does not know is not quoted.
        """
        told_text = "state of " + "somebody"
        echo = (
            f"-ERR unknown command 'SET', with args beginning with: '{told_text}'\r\n"
        )
        with (
            answering(
                {"INFO": bulk("# Server\r\nx:1\r\n"), "SET": echo.encode()}
            ) as port,
            closing(RedisStorage(f"redis://127.0.0.1:{port}")) as storage,
            pytest.raises(StorageError) as told,
        ):
            _ = storage.counters.swap(KEY, None, told_text, NOW)

        assert "RedisCounters.swap() failed: unknown command 'SET'" == str(told.value)
        assert told_text not in "".join(traceback.format_exception(told.value))

    def test_one_id_is_one_challenge(self, storage: RedisStorage) -> None:
        """
        A challenge that is there is not replaced.
        """
        storage.code_challenges.add(CHALLENGE)
        assert storage.code_challenges.spend_attempt(CHALLENGE.id)

        with pytest.raises(StorageError, match="the challenge is there already"):
            storage.code_challenges.add(CHALLENGE)

        spent = storage.code_challenges.spend_attempt(CHALLENGE.id)
        assert spent is not None
        assert 3 == spent.attempts_left

    @pytest.mark.parametrize(
        "challenge",
        [
            attrs.evolve(CHALLENGE, account_id="\ud800"),
            attrs.evolve(CHALLENGE, sent_at=NOW.replace(tzinfo=None)),
            attrs.evolve(CHALLENGE, window_ends_at=datetime.max.replace(tzinfo=UTC)),
        ],
    )
    def test_what_cannot_be_kept_is_refused(
        self, storage: RedisStorage, client: Any, challenge: CodeChallenge
    ) -> None:
        """
        A lone surrogate and an instant of nowhere are told like any other fault.
        """
        with pytest.raises(StorageError, match=r"RedisCodeChallenges\.add\(\) failed"):
            storage.code_challenges.add(challenge)

        assert 0 == client.dbsize()


class TestConnections:
    def test_they_are_kept(self, own_hot: Server) -> None:
        """
        As many as there are callers at once, and none that nobody asked for.
        """
        before = int(tell(own_hot, "INFO")["total_connections_received"])
        with hasty(own_hot.url) as storage:
            for _ in range(100):
                _ = storage.counters.add(KEY, 1, NOW)
        after = int(tell(own_hot, "INFO")["total_connections_received"])

        # Ours, and the operator's second look.
        assert 2 == after - before

    def test_closed_they_are_opened_again(self, storage: RedisStorage) -> None:
        """
        A storage that was closed goes on.
        """
        assert 1 == storage.counters.add(KEY, 1, NOW)
        storage.close()

        assert 2 == storage.counters.add(KEY, 1, NOW)

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
    def test_a_child_has_its_own(self, storage: RedisStorage) -> None:
        """
        After a fork both go on, each with answers of its own.
        """
        assert 1 == storage.counters.add(KEY, 1, NOW)

        with warnings.catch_warnings():
            # Python warns where another test has left a thread.
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
        if child == 0:
            seen = [storage.counters.add("child", 1, NOW) for _ in range(50)]
            os._exit(0 if seen == list(range(1, 51)) else 1)
        seen = [storage.counters.add(KEY, 1, NOW) for _ in range(50)]
        _, status = os.waitpid(child, 0)

        assert list(range(2, 52)) == seen
        assert 0 == os.waitstatus_to_exitcode(status)
        assert 50 == storage.counters.add("child", 0, NOW)

    def test_a_child_waits_for_no_thread_of_its_parent(
        self, storage: RedisStorage
    ) -> None:
        """
        Connections that were lent when it was forked are not given back to it.
        """
        assert 1 == storage.counters.add(KEY, 1, NOW)
        pool = storage._server._pool  # noqa: SLF001 - no other sees it
        lent = [pool.get_connection() for _ in range(POOL_SIZE)]
        with pytest.raises(StorageError):
            _ = storage.counters.add(KEY, 1, NOW)

        forget_all()

        assert 2 == storage.counters.add(KEY, 1, NOW)
        for one in lent:
            one.disconnect()

    def test_closing_leaves_lent_ones_alone(self, storage: RedisStorage) -> None:
        """
        Whoever is in the middle of a call when the storage is closed gets the answer.
        """
        assert 1 == storage.counters.add(KEY, 1, NOW)
        pool = storage._server._pool  # noqa: SLF001 - as above
        lent, idle = pool.get_connection(), pool.get_connection()
        pool.release(idle)

        storage.close()

        lent.send_command("PING")
        assert b"PONG" == lent.read_response()
        lent.disconnect()
        assert idle._sock is None  # noqa: SLF001 - as above

    def test_tls(self, hot_url: str, tmp_path: Path) -> None:
        """
        A certificate is checked: with one that is known it serves, or else not.
        """
        authority = trustme.CA()
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert("localhost").configure_cert(tls)
        authority.cert_pem.write_to_path(tmp_path / "ca.pem")

        with leading_to(urlsplit(hot_url).port or 6379, tls=tls) as port:
            url = f"rediss://localhost:{port}/0"
            with closing(RedisStorage(f"{url}?ssl_ca_certs={tmp_path}/ca.pem")) as one:
                for call in CALLS.values():
                    _ = call(one)
            with (
                closing(RedisStorage(url)) as other,
                pytest.raises(StorageError) as told,
            ):
                _ = other.counters
        assert "CERTIFICATE_VERIFY_FAILED" in str(told.value.__cause__)


def commands_of(
    call: Callable[[Any], object], storage: RedisStorage, client: Any
) -> list[str]:
    """
    Return the commands that the server gets during *call*, without what scripts do.
    """
    with client.monitor() as monitor:
        _ = client.echo("from here")
        _ = call(storage)
        _ = client.echo("to here")
        seen = (one for one in monitor.listen() if one["client_type"] != "lua")
        sent = (one["command"] for one in seen)
        _ = list(takewhile(lambda command: command != "ECHO from here", sent))
        return list(takewhile(lambda command: command != "ECHO to here", sent))


def ends(client: Any) -> list[datetime]:
    """
    Return when the server will drop each of its keys.
    """
    return [
        datetime.fromtimestamp(client.execute_command("PEXPIRETIME", name) / 1_000, UTC)
        for name in client.scan_iter()
    ]
