"""
What holds for every module at once.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import os
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from types import ModuleType

import attrs
import pytest

import uness_auth


ROOT = Path(inspect.getfile(uness_auth)).parent
SOURCES = sorted(ROOT.rglob("*.py"))

STRANGERS = frozenset(
    {
        # frameworks, and what they bring
        "anyio",
        "asgiref",
        "blinker",
        "click",
        "django",
        "fastapi",
        "flask",
        "starlette",
        "werkzeug",
        # databases
        "redis",
        "sqlalchemy",
        "sqlite3",
        # template engines
        "jinja2",
        # workbooks
        "defusedxml",
        "openpyxl",
        # the network
        "aiosmtpd",
        "dns",
        "http.client",
        "smtplib",
        # our own rooms above the core
        "uness_auth.django",
        "uness_auth.flask",
        "uness_auth.mailers.smtp",
        "uness_auth.starlette",
        "uness_auth.storage.redis",
        "uness_auth.storage.sql",
        "uness_auth.testing",
    }
)

SENSITIVE = re.compile(
    r"(key|code|token|password|secret)|.*_(token|digest|value|password|secret|hash|key)"
)


def modules() -> Iterator[ModuleType]:
    """
    Every module that can be imported with what is installed here.
    """
    yield uness_auth
    prepare_django()
    for found in pkgutil.walk_packages(uness_auth.__path__, "uness_auth."):
        try:
            yield importlib.import_module(found.name)
        except ModuleNotFoundError as exc:
            # An adapter or a store whose extra is not installed; our own must be there.
            if (exc.name or "").partition(".")[0] not in STRANGERS | {"pytest"}:
                raise


def prepare_django() -> None:
    """
    Where Django is installed, give its models the project that they want.
    """
    if importlib.util.find_spec("django") is not None:
        os.environ.setdefault(
            "DJANGO_SETTINGS_MODULE", "tests.adapters.django.settings"
        )
        importlib.import_module("django").setup()


def records() -> list[type[attrs.AttrsInstance]]:
    """
    Every attrs class of the package, once.
    """
    return sorted(
        {
            each
            for module in modules()
            for each in vars(module).values()
            if inspect.isclass(each)
            and attrs.has(each)
            and each.__module__.partition(".")[0] == "uness_auth"
        },
        key=lambda each: f"{each.__module__}.{each.__qualname__}",
    )


def is_text(field: attrs.Attribute[object]) -> bool:
    """
    Whether the field may hold text or bytes.
    """
    return re.search(r"\b(str|bytes)\b", str(field.type)) is not None


class TestImport:
    def test_the_root_imports_no_stranger(self) -> None:
        """
        `import uness_auth` brings no framework, database, template engine or network.
        """
        program = "import sys, uness_auth; print(*sys.modules, sep='\\n')"
        loaded = subprocess.run(  # noqa: S603 - the interpreter that runs this test
            [sys.executable, "-c", program], check=True, capture_output=True, text=True
        ).stdout.split()

        assert "uness_auth" in loaded
        assert set() == STRANGERS & set(loaded)

    def test_everything_public_is_there(self) -> None:
        """
        Each name in `__all__` can be imported.
        """
        names = getattr(uness_auth, "__all__", ())

        assert [] == [name for name in names if not hasattr(uness_auth, name)]


class TestSources:
    @pytest.mark.parametrize(
        "path", SOURCES, ids=lambda path: str(path.relative_to(ROOT))
    )
    def test_modules_open_with_a_sentence(self, path: Path) -> None:
        """
        A module that holds something says what it is, and postpones its annotations.
        """
        body = ast.parse(path.read_text(encoding="utf-8")).body
        if not body:
            return
        sentence = (ast.get_docstring(ast.Module(body, [])) or "").partition("\n\n")[0]
        imports = [ast.unparse(statement) for statement in body[1:2]]

        assert sentence.endswith(".")
        assert imports in ([], ["from __future__ import annotations"])


class TestRecords:
    def test_there_are_some(self) -> None:
        """
        The walk finds records, or the tests below would prove nothing.
        """
        assert {"Account", "Session", "SignedIn", "Policy"} <= {
            each.__name__ for each in records()
        }

    def test_no_secret_in_a_repr(self) -> None:
        """
        Text named as keys, codes, tokens, digests and passwords are stays out of reprs.
        """
        shown = [
            f"{each.__module__}.{each.__qualname__}.{field.name}"
            for each in records()
            for field in attrs.fields(each)
            if SENSITIVE.fullmatch(field.name) and is_text(field) and field.repr
        ]

        assert [] == shown

    def test_records_are_frozen(self) -> None:
        """
        A record never changes: of the attrs classes only stores in memory may.
        """
        thawed = [
            f"{each.__module__}.{each.__qualname__}"
            for each in records()
            if not each.__module__.startswith(
                ("uness_auth.storage.memory", "uness_auth.testing")
            )
            and each.__setattr__ is object.__setattr__
        ]

        assert [] == thawed


class TestPackageData:
    def test_typed(self) -> None:
        """
        Type checkers are told that the package carries types.
        """
        assert resources.files("uness_auth").joinpath("py.typed").is_file()

    @pytest.mark.parametrize("folder", ["locale", "static", "templates"])
    def test_data_lies_in_the_package(self, folder: str) -> None:
        """
        Catalogs, templates and static files are found as package data.
        """
        here = resources.files("uness_auth").joinpath(folder)

        assert here.is_dir()
        assert any(here.iterdir())
