"""
Files of accounts: what registrars save, and what they save by mistake.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from uness_auth.errors import ConfigurationError
from uness_auth.provisioning import FileFault, Row, read_csv


Read = Callable[[str | bytes], list[Row | FileFault]]
CAMILLE = Row(line=2, address="camille@example.fr")


@pytest.fixture(name="read")
def _read(tmp_path: Path) -> Read:
    """
    Write a file and read it.
    """

    def read(content: str | bytes) -> list[Row | FileFault]:
        path = tmp_path / "accounts.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return list(read_csv(path))

    return read


class TestReadCSV:
    def test_no_such_file(self, tmp_path: Path) -> None:
        """
        A file that cannot be read is told by its path, before any line.
        """
        with pytest.raises(ConfigurationError, match="cannot be read"):
            read_csv(tmp_path / "missing.csv")

    def test_every_column(self, read: Read) -> None:
        """
        Columns stand in any order, and addresses become canonical.
        """
        rows = read("Language;EMAIL;display_name\nEN; Zoe@Example.FR ; Zoé X \n")

        assert [
            Row(line=2, address="zoe@example.fr", display_name="Zoé X", language="en")
        ] == rows

    @pytest.mark.parametrize("separator", [";", ",", "\t"])
    @pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
    def test_separators_and_line_ends(
        self, read: Read, separator: str, newline: str
    ) -> None:
        """
        The header row alone says how cells are separated, whatever stands below.
        """
        name = "Camille; ou, Cam" * 9
        header = separator.join(["email", "display_name"])
        line = separator.join(["camille@example.fr", f'"{name}"'])

        assert [attrs.evolve(CAMILLE, display_name=name)] == read(
            f"{header}{newline}{line}{newline}"
        )

    def test_email_alone(self, read: Read) -> None:
        """
        One column is enough, with the mark that Excel begins a file with.
        """
        assert [CAMILLE] == read("\ufeffemail\r\ncamille@example.fr\r\n")

    def test_blank_lines_are_passed_over(self, read: Read) -> None:
        """
        Blank lines are no accounts, and line numbers are the file's.
        """
        rows = read("email\n\n\ncamille@example.fr\n\n")

        assert [Row(line=4, address="camille@example.fr")] == rows

    def test_header_alone(self, read: Read) -> None:
        """
        A file without accounts is one.
        """
        assert [] == read("email;display_name\n")

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            ("", "the columns are missing"),
            ("\n", "the columns are missing"),
            ("name;mail\n", "the columns are name, mail"),
            ("email;e-mail\n", "the columns are email, e-mail"),
            ("email;email\n", "each once"),
            ('"email\ncamille@example.fr\n', "line 1: the columns cannot be read"),
            ("email\ncamille@example.fr;é\n".encode("latin-1"), "is not UTF-8"),
            ("email\n".encode("utf-16"), "is not UTF-8"),
        ],
        ids=range(8),
    )
    def test_broken_files(
        self, tmp_path: Path, content: str | bytes, said: str
    ) -> None:
        """
        A file that is none is refused at once, not at its first account.
        """
        path = tmp_path / "accounts.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)

        with pytest.raises(ConfigurationError, match=said) as caught:
            read_csv(path)
        assert str(caught.value).startswith("accounts.csv")
        assert str(tmp_path) not in str(caught.value)

    @pytest.mark.parametrize(
        ("line", "reason"),
        [
            ("camille@example.fr;Camille", "2 cells where 3 are expected"),
            ("camille@example.fr;Camille;fr;x", "4 cells where 3 are expected"),
            ("camille@;Camille;fr", "« camille@ » is not an e-mail address"),
            (";;", "«  » is not an e-mail address: the cell is empty"),
            ("camille@example.fr;Camille;de", "« de » is not a language"),
            (f"camille@example.fr;{'x' * 1_000};fr", "the line is too long"),
            ("camille@example.fr;Cam\0ille;fr", "control character"),
            ('camille@example.fr;"Cam\nille";fr', "control character"),
            ("camille@example.fr;\x1b[31m;fr", "control character"),
        ],
        ids=range(9),
    )
    def test_faulty_lines(self, read: Read, line: str, reason: str) -> None:
        """
        A line that is no account is told with its number, and the others go on.
        """
        fault, row = read(f"email;display_name;language\n{line}\nzoe@example.fr;Zoé;\n")

        assert isinstance(fault, FileFault)
        assert 2 == fault.line
        assert reason in fault.reason
        assert isinstance(row, Row)
        assert "zoe@example.fr" == row.address

    @pytest.mark.parametrize(
        "cell",
        [
            '"a@evil.example x"@univ-exemple.fr',
            '"camille"@univ-exemple.fr',
            "camille@univ-exemple.fr(@evil.example)",
            "Camille <camille@univ-exemple.fr>",
        ],
    )
    def test_no_quoted_local_part(self, read: Read, cell: str) -> None:
        """
        P3: what two parsers could read as two addresses is no line of a file either.
        """
        quoted = cell.replace('"', '""')
        rows = read(f'email\n"{quoted}"\ncamille@example.fr\n')

        assert [2, 3] == [row.line for row in rows]
        assert isinstance(rows[0], FileFault)
        assert attrs.evolve(CAMILLE, line=3) == rows[1]

    def test_open_quote_swallows_nothing(self, read: Read) -> None:
        """
        A quote left open is a fault of its line, and never a name of many lines.
        """
        rows = read(
            'email;display_name\na@example.fr;A\nb@example.fr;"B\nc@example.fr;C\n'
        )

        assert isinstance(rows[0], Row)
        assert [FileFault] == [type(row) for row in rows[1:]]
        assert "cannot be read" in str(rows[1])

    @given(st.text())
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_any_text(self, read: Read, text: str) -> None:
        """
        Of any text come accounts and faults, each with its line, and no exception.
        """
        rows = read(("email\n" + text).encode("utf-8", "replace"))

        assert all(row.line >= 2 for row in rows)

    @given(
        st.binary()
        | st.lists(
            st.sampled_from(
                [
                    *(b"email", b"display_name", b"language", b"a@example.fr", b"en"),
                    *(b";", b",", b"\t", b'"', b"\n", b"\r"),
                    *(b"\x00", b"\xff", b"\xef\xbb\xbf"),
                ]
            )
        ).map(b"".join)
    )
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_any_bytes(self, read: Read, content: bytes) -> None:
        """
        Any file at all is refused as a whole, or read line by line.
        """
        try:
            rows, told = read(content), "accounts.csv"
        except ConfigurationError as exc:
            rows, told = [], str(exc)

        assert "accounts.csv" in told
        assert all(row.line >= 2 for row in rows)
