"""
Reports: read back as they were written, and never computed.
"""

from __future__ import annotations

import csv
import io
import re
import stat
import unicodedata
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uness_auth.errors import ConfigurationError
from uness_auth.provisioning import ReportRow, write_report
from uness_auth.provisioning.reports import escaped, unescaped


SIGNS: Final = "=+-@\uff1d\uff0b\uff0d\uff20"
CREATED: Final = ReportRow(
    line=2, address="zoe@example.fr", external_id="00042", what="created"
)
# Texts of what attacks are made of.
HOSTILE: Final = st.lists(
    st.sampled_from([*SIGNS, *"'\";,|\t\r\n\0 \u00a0a", "cmd", '""', "1+1"])
).map("".join)


def written(*rows: ReportRow) -> str:
    """
    Return a report.
    """
    out = io.StringIO(newline="")
    write_report(rows, out)
    return out.getvalue()


def cells(report: str, separator: str = ";") -> list[list[str]]:
    """
    Return the cells that a spreadsheet makes of a report.
    """
    lines = io.StringIO(report.removeprefix("\ufeff"), newline="")
    return list(csv.reader(lines, delimiter=separator))


def is_computed(cell: str) -> bool:
    """
    Say whether a spreadsheet takes this for a formula.
    """
    narrow = unicodedata.normalize("NFKC", cell.replace("\0", "").lstrip())
    return narrow.startswith(tuple("=+-@"))


class TestWriteReport:
    def test_to_the_letter(self) -> None:
        """
        A report is what a French Excel opens with a double click.
        """
        rejected = ReportRow(
            line=3, address="x;y", what="rejected", reason="« x;y » is not an address"
        )
        closed = ReportRow(line=0, address="a@example.fr", what="closed")

        assert (
            '\ufeff"line";"email";"external_id";"what";"reason"\r\n'
            '"2";"zoe@example.fr";"00042";"created";""\r\n'
            '"3";"x;y";"";"rejected";"« x;y » is not an address"\r\n'
            '"";"a@example.fr";"";"closed";""\r\n'
        ) == written(CREATED, rejected, closed)

    def test_to_a_file(self, tmp_path: Path) -> None:
        """
        A path gets the same bytes, for nobody else's eyes.
        """
        path = tmp_path / "report.csv"
        write_report([CREATED], path)
        write_report([CREATED], str(path))

        assert written(CREATED).encode() == path.read_bytes()
        assert 0o600 == stat.S_IMODE(path.stat().st_mode)

    def test_half_a_character(self, tmp_path: Path) -> None:
        """
        What is no text at all does not keep the rest from being reported.
        """
        write_report([ReportRow(line=2, address="\ud800", what="x")], tmp_path / "r")

        assert '"?"' in (tmp_path / "r").read_text("utf-8")

    def test_to_nowhere(self, tmp_path: Path) -> None:
        """
        A path that cannot be written is told.
        """
        with pytest.raises(ConfigurationError, match="cannot be written: No such file"):
            write_report([], tmp_path / "none" / "report.csv")


class TestFormulas:
    @pytest.mark.parametrize("sign", [*SIGNS, "\ufe66", "\u207a"])
    @pytest.mark.parametrize(
        "before",
        ["", " ", "\u00a0 ", "\t", "\r", "\n", "\0", "'", '"', '"";', "a;", "a,", "a|"],
    )
    def test_no_cell_is_one(self, sign: str, before: str) -> None:
        """
        P57: whatever a line calls itself, no cell of the report is a formula, wherever
        a spreadsheet takes cells to begin.
        """
        text = f'{before}{sign}HYPERLINK("http://evil.example";A1)'
        row = ReportRow(line=2, address=text, external_id=text, what=text, reason=text)
        report = written(row)

        assert [
            ["2", *[escaped(text)] * 4],
        ] == cells(report)[1:]
        assert text == unescaped(escaped(text))
        assert [] == [
            cell
            for separator in ";,\t|"
            for line in cells(report, separator)
            for cell in line
            if is_computed(cell)
        ]

    @given(st.lists(HOSTILE | st.text(), min_size=3, max_size=3))
    def test_any_text(self, texts: list[str]) -> None:
        """
        P57: of any texts there is no formula in the report, and they can be read back.
        """
        address, reason, what = texts
        report = written(
            ReportRow(line=2, address=address, what=what, reason=reason), CREATED
        )
        [_, row, last] = cells(report)

        assert ["2", address, "", what, reason] == [unescaped(cell) for cell in row]
        assert ["2", "zoe@example.fr", "00042", "created", ""] == last
        assert None is re.search(
            rf'(^|[;,|"\t\r\n\0])[ \u00a0]*[{re.escape(SIGNS)}]', report
        )
        assert [] == [
            cell for line in cells(report) for cell in line if is_computed(cell)
        ]

    @pytest.mark.parametrize(
        "text",
        [
            "zoe@example.fr",
            "Jean-Pierre",
            "a - b",
            "l'été",
            "2026-09-01",
            "a@b, c@d",
            "",
        ],
    )
    def test_plain_texts_stay(self, text: str) -> None:
        """
        Where nothing would be computed nothing is changed.
        """
        assert text == escaped(text)
