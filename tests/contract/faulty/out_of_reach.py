"""
Stores that do not refuse when their database cannot be reached.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import attrs

from tests.contract.faulty.planting import Planted
from uness_auth import ports
from uness_auth.errors import StorageError
from uness_auth.testing import contracts


METHODS: Final[dict[str, tuple[str, ...]]] = {
    port: tuple(
        name
        for name, value in vars(getattr(ports, port)).items()
        if not name.startswith("_") and callable(value)
    )
    for port in (
        "Accounts",
        "Registry",
        "BulkRegistry",
        "CodeChallenges",
        "Sessions",
        "JoinedSessions",
        "SessionLists",
        "Counters",
        "Events",
    )
}


def refuse(*_args: object) -> None:
    """
    Do as the ports say.
    """
    raise StorageError


def swallow(*_args: object) -> None:
    """
    Answer as if nothing were there.
    """


def let_through(*_args: object) -> None:
    """
    Raise what the driver raised.
    """
    msg = "connection refused"
    raise ConnectionRefusedError(msg)


def quote(*args: Any) -> None:
    """
    Refuse, with the driver's words about the statement and its values.
    """
    values = [attrs.astuple(one) if attrs.has(type(one)) else one for one in args]
    msg = "not done"
    raise StorageError(msg) from ConnectionRefusedError(f"parameters: {values}")


def planted(port: str, fault: Callable[..., None], *methods: str) -> Planted:
    """
    Return a store where these methods have the fault, and the others refuse.
    """
    names = {name: fault if name in methods else refuse for name in METHODS[port]}

    class Offers:
        def make(self) -> None:
            """
            Not needed where the database is out of reach.
            """

        def make_unreachable(self) -> Any:
            return type(
                port, (), {name: staticmethod(done) for name, done in names.items()}
            )

    return Planted(
        name=f"{fault.__name__}_{'_'.join(methods)}_of_{port}",
        contract=getattr(contracts, f"{port}Contract"),
        rejected_by=("test_out_of_reach_nothing_is_answered",),
        offers=Offers,
    )


def faults() -> Iterator[Planted]:
    """
    Return, of each port, one fault for each method, and two for all of them.
    """
    for port, methods in METHODS.items():
        yield planted(port, let_through, *methods)
        yield planted(port, quote, *methods)
        for method in methods:
            yield planted(port, swallow, method)


FAULTLESS: Final = [planted(port, refuse) for port in METHODS]
PLANTED: Final = list(faults())
