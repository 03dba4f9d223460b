"""
Everything that is checked, built or shown, each with one word: ``nox -s tests``.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import nox


nox.needs_version = ">=2025.10.14"
nox.options.default_venv_backend = "uv|virtualenv"
# A missing interpreter is a fact to tell, not a download.
nox.options.download_python = "never"
nox.options.sessions = ["tests", "lint", "types", "docs", "dist"]

PYPROJECT = nox.project.load_toml("pyproject.toml")
SUPPORTED = ("3.11", "3.12", "3.13")
FRAMEWORKS = ("flask", "django", "starlette")
EXTRAS = tuple(PYPROJECT["project"]["optional-dependencies"])
PACKAGE = "uness_auth"


def group(*names: str) -> list[str]:
    """
    Return the requirements of dependency groups.
    """
    return [
        requirement
        for name in names
        for requirement in nox.project.dependency_groups(PYPROJECT, name)
    ]


def project(*extras: str) -> str:
    """
    Return this project, editable, as pip takes it.
    """
    return f"-e.[{','.join(extras)}]" if extras else "-e."


def pythons() -> list[str]:
    """
    Return the supported Pythons that answer here, or else the one that runs nox.

    pyenv's commands answer only for selected versions, so all of them are selected;
    a Python that has no command of its own is found beside this one.
    """
    if shutil.which("pyenv"):
        installed = _output("pyenv", "versions", "--bare").split()
        chosen = [one for one in installed if one.startswith(SUPPORTED)]
        os.environ.setdefault("PYENV_VERSION", os.pathsep.join(chosen))
    beside = sysconfig.get_path("scripts")
    os.environ["PATH"] = os.pathsep.join([os.environ.get("PATH", os.defpath), beside])
    here = "{}.{}".format(*sys.version_info)
    return [one for one in SUPPORTED if _output(f"python{one}", "-c", "print(1)")] or [
        here
    ]


def _output(*command: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - the commands stand above
            command, check=False, capture_output=True, text=True
        )
    except OSError:
        return ""
    return done.stdout if done.returncode == 0 else ""


PYTHONS = pythons()


# --- Tests ----------------------------------------------------------------------


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """
    All tests, on every Python found: the core first, with no framework installed.

    Then every contract, adapter and example of the docs; branches of all runs are
    combined and none may be missing.  On the newest Python also the browser, and what
    is marked `once`.
    """
    note = Path(session.create_tmp(), "not-run.txt").resolve()
    note.unlink(missing_ok=True)
    env = {
        "COVERAGE_FILE": f".coverage.{session.python}",
        "UNESS_TEST_NOT_RUN": str(note),
    }
    session.install(project(), *group("tests"))
    session.run("coverage", "erase", env=env)
    _measure(session, env, "tests/unit")

    has_browser_tests = session.python == PYTHONS[-1]
    groups = ["browser"] if has_browser_tests else []
    session.install(project(*EXTRAS), *group("tests", "servers", "frameworks", *groups))
    _measure(
        session, env, "tests/contract", "tests/adapters", "tests/docs", *_side_by_side()
    )
    session.run("coverage", "combine", "--quiet", env=env)
    session.run("coverage", "report", "--fail-under=100", *_out_of_reach(), env=env)
    if has_browser_tests:
        # Not measured: what only a browser reaches would go unnoticed without one.
        _pytest(session, env, "tests/browser")
    _tell_what_did_not_run(session, note)


def _measure(session: nox.Session, env: dict[str, str], *arguments: str) -> None:
    chosen = () if session.python == PYTHONS[-1] else ("-m", "not once")
    session.run(
        *("coverage", "run", "-m", "pytest", *arguments, *chosen, *session.posargs),
        env=env,
    )


def _side_by_side() -> tuple[str, ...]:
    """
    Return how pytest uses the processors: each process starts servers of its own.
    """
    if any(os.environ.get(one) for one in HAVE_ONE_DATABASE):
        return ()
    processes = min(os.cpu_count() or 1, MOST_PROCESSES)
    return ("-n", str(processes), "--dist", "loadscope", "-p", "tests.measured")


# An existing server that these name has one database, which must be empty.
HAVE_ONE_DATABASE = ("UNESS_TEST_VALKEY", "UNESS_TEST_REDIS")
# Each takes the memory of four servers.
MOST_PROCESSES = 4


def _out_of_reach() -> list[str]:
    # No wheel brings MariaDB.  Where it is missing, the run says so at its end, and
    # what only that server reaches cannot be asked for.
    path = os.pathsep.join([os.environ["PATH"], "/usr/sbin", "/usr/libexec"])
    there = shutil.which("mariadbd", path=path) or os.environ.get("UNESS_TEST_MARIADB")
    return [] if there else ["--omit=*/storage/sql/mariadb.py,*/storage/mariadb.py"]


def _pytest(session: nox.Session, env: dict[str, str], *folders: str) -> None:
    here = [folder for folder in folders if Path(folder).is_dir()]
    if here:
        session.run("pytest", *here, *session.posargs, env=env)


def _tell_what_did_not_run(session: nox.Session, note: Path) -> None:
    lines = note.read_text(encoding="utf-8").splitlines() if note.exists() else []
    if session.python == PYTHONS[-1]:
        lines += [
            f"everything on Python {one}: there is none here"
            for one in SUPPORTED
            if one not in PYTHONS
        ]
    for line in lines:
        session.warn(f"could not run: {line}")


@nox.session
@nox.parametrize("framework", FRAMEWORKS)
def adapters(session: nox.Session, framework: str) -> None:
    """
    The same journeys through one framework's adapter.
    """
    session.install(project(framework, "sql"), *group("tests", "frameworks"))
    session.run("pytest", "tests/adapters", "-k", framework, *session.posargs)


@nox.session(python=SUPPORTED[0])
def minimums(session: nox.Session) -> None:
    """
    All tests but the browser's with the oldest dependencies that we say are enough.
    """
    session.install("uv")
    session.run(
        "uv",
        "pip",
        "install",
        "--quiet",
        "--resolution=lowest-direct",
        project(*EXTRAS),
        *group("tests", "servers", "frameworks"),
    )
    env = {"COVERAGE_FILE": ".coverage.minimums"}
    _pytest(session, env, "tests/unit", "tests/contract", "tests/adapters")


@nox.session
def properties(session: nox.Session) -> None:
    """
    The property tests again, with many more examples.
    """
    session.install(project(*EXTRAS), *group("tests", "frameworks"))
    session.run(
        "pytest",
        "--hypothesis-show-statistics",
        "-m",
        "hypothesis",
        "tests/unit",
        "tests/contract/test_redis_storage.py",
        *session.posargs,
        env={"HYPOTHESIS_PROFILE": "large"},
    )


@nox.session
def fuzz(session: nox.Session) -> None:
    """
    Hostile requests to every adapter over HTTP, and hostile text to every parser.

    `--seed N` repeats what a failure printed, `--requests N` says how many to each
    adapter, `--database postgresql` keeps the accounts there.
    """
    session.install(project(*EXTRAS), *group("tests", "servers", "frameworks"))
    session.run("python", "-m", "tests.adapters.fuzz", *session.posargs)
    seed = _after(session.posargs, "--seed")
    session.run(
        "pytest",
        *(["--hypothesis-seed", seed] if seed else []),
        "-m",
        "hypothesis",
        *READ_HOSTILE_TEXT,
        env={"HYPOTHESIS_PROFILE": "large"},
    )


# The tests of whatever reads what strangers, files and servers wrote.
READ_HOSTILE_TEXT = (
    "tests/unit/web",
    "tests/unit/provisioning",
    "tests/unit/storage",
    "tests/unit/test_addresses.py",
    "tests/unit/test_codes.py",
    "tests/unit/test_devices.py",
    "tests/unit/test_throttle.py",
    "tests/unit/test_tokens.py",
    "tests/contract/test_redis_storage.py",
)


def _after(arguments: Sequence[str], option: str) -> str:
    return next(
        (value for name, value in pairwise(arguments) if name == option),
        "",
    )


@nox.session
def browser(session: nox.Session) -> None:
    """
    The journeys in a real browser, over HTTP and SMTP; screenshots go to artefacts/.
    """
    session.install(project(*EXTRAS), *group("tests", "frameworks", "browser"))
    session.run("pytest", "tests/browser", *session.posargs)


# --- Checks ---------------------------------------------------------------------


@nox.session
def types(session: nox.Session) -> None:
    """
    The type checkers, and whether every public name has a type.
    """
    groups = group("tests", "servers", "frameworks", "browser", "docs", "types")
    session.install(project(*EXTRAS), *groups)
    session.run("mypy")
    session.run("pyright")
    _verify_public_types(session)


# What hangs on Django's own classes is declared as Django declares it: its types are
# filled in by a plugin of mypy's, which pyright has not.
DJANGO_DECLARES = tuple(
    f"{PACKAGE}.django.{name}."
    for name in ("admin", "apps", "fields", "management", "migrations", "models")
)


def _verify_public_types(session: nox.Session) -> None:
    report = session.run(
        *("pyright", "--verifytypes", PACKAGE, "--ignoreexternal", "--outputjson"),
        silent=True,
        # It also ends with 1 where anything of Django's is unknown.
        success_codes=[0, 1],
    )
    symbols = json.loads(str(report))["typeCompleteness"]["symbols"]
    unknown = [
        symbol["name"]
        for symbol in symbols
        if symbol["isExported"]
        and not symbol["isTypeKnown"]
        and not symbol["name"].startswith(DJANGO_DECLARES)
    ]
    if unknown or not symbols:
        session.error(f"public, and of unknown type: {', '.join(unknown) or 'all'}")


@nox.session
def lint(session: nox.Session) -> None:
    """
    Style, spelling, layers and templates.
    """
    session.install(project(*EXTRAS), *group("lint"))
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("codespell")
    # Its cache does not notice that a module which was missing has come.
    session.run("lint-imports", "--no-logo", "--no-cache")
    session.run("djlint", f"src/{PACKAGE}/templates", "--lint", "--quiet")


@nox.session
def docs(session: nox.Session) -> None:
    """
    The documentation, where a warning is an error.
    """
    session.install(project(*EXTRAS), *group("docs"))
    session.run("sphinx-build", "-n", "-W", "--keep-going", "docs", "docs/_build/html")


# --- What is shown and shipped --------------------------------------------------


@nox.session
def bench(session: nox.Session) -> None:
    """
    What ours costs, beside what others cost for the same work; `--quick` for a look.
    """
    session.install(project(*EXTRAS), *group("bench", "peers", "servers"))
    session.run("python", "bench/run.py", *session.posargs)


@nox.session
def demo(session: nox.Session) -> None:
    """
    The tour of a fresh portal; on a terminal the portal then stays open for you.
    """
    session.install(project("flask", "sql"), *group("demo"))
    stay = ["--stay"] if sys.stdin.isatty() and sys.stdout.isatty() else []
    session.run(
        "python",
        "examples/run.py",
        "--framework=flask",
        "--tour",
        *stay,
        *session.posargs,
    )


@nox.session
def spam(session: nox.Session) -> None:
    """
    What SpamAssassin, which Debian has, gives each mail in each language: under 1.0.
    """
    session.install(project("cli"))
    folder = str(Path(session.create_tmp(), "mails").resolve())
    env = {
        "BASE_URL": "https://portail.univ-exemple.fr",
        "SENDER": "Uness <ne-pas-repondre@univ-exemple.fr>",
    }
    session.run("uness-auth", "mail", "preview", "--all", "--to", folder, env=env)
    session.run("python", "tools/score_mails.py", folder, *session.posargs)


@nox.session
def dist(session: nox.Session) -> None:
    """
    The wheel, built and installed: the data is inside, the tests are not.
    """
    session.install("build")
    out = Path(session.create_tmp(), "dist").resolve()
    shutil.rmtree(out, ignore_errors=True)
    session.run("python", "-m", "build", "--outdir", str(out))
    [wheel] = out.glob("*.whl")
    _check_contents(session, wheel)
    session.install(str(wheel))
    session.chdir(session.create_tmp())
    session.run("python", "-I", "-c", f"import {PACKAGE}; print({PACKAGE}.__file__)")


def _check_contents(session: nox.Session, wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    wanted = ("py.typed", "templates/", "static/", "locale/")
    missing = [
        part
        for part in wanted
        if not any(name.startswith(f"{PACKAGE}/{part}") for name in names)
    ]
    strangers = [
        name
        for name in names
        if not name.startswith((f"{PACKAGE}/", f"{PACKAGE}-")) or "/test_" in name
    ]
    if missing or strangers:
        session.error(f"{wheel.name}: missing {missing}, not to be shipped {strangers}")


@nox.session
def changelog(session: nox.Session) -> None:
    """
    What the next release will say.
    """
    session.install(*group("changelog"))
    version = f"--version={PYPROJECT['project']['version']}"
    session.run("towncrier", "build", "--draft", version, *session.posargs)


@nox.session
def lock(session: nox.Session) -> None:
    """
    The development lock: what a known-good environment holds, hash by hash.
    """
    session.install("uv")
    session.run(
        "uv",
        "pip",
        "compile",
        "--quiet",
        "--universal",
        "--python-version=3.11",
        "--all-extras",
        "--group=dev",
        "--generate-hashes",
        # No address: everybody's own index serves the same hashes.
        "--no-emit-index-url",
        "--no-emit-find-links",
        "--no-annotate",
        "--custom-compile-command=nox -s lock",
        "--output-file=requirements/dev.txt",
        "pyproject.toml",
        *session.posargs,
    )
