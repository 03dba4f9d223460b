"""
Workbooks of accounts: what Excel saves, and what somebody makes to look like it.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterable
from datetime import date, datetime, time
from pathlib import Path
from typing import Final

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from uness_auth.errors import ConfigurationError
from uness_auth.provisioning import Rejected, Row, files, read_accounts, workbooks
from uness_auth.provisioning.files import COLUMNS


SAMPLE: Final = Path(__file__).parents[2] / "docs/howto/comptes-exemple.csv"
CAMILLE: Final = "camille@example.fr"
PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006"
SHEETS: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml"
HEADER: Final = '<row r="1"><c r="A1" t="inlineStr"><is><t>email</t></is></c></row>'
LAUGHS: Final = "".join(
    f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "lol"}">' for n in range(10)
)
TEXT: Final = "make the column one of text, and type it again"
# Excel knows of no time zones.
NOON: Final = datetime(2026, 9, 1, 12)  # noqa: DTZ001 - see above
Read = Callable[[bytes | Iterable[Iterable[object]]], list[Row | Rejected]]


def workbook(rows: Iterable[Iterable[object]]) -> bytes:
    """
    Return a workbook of one sheet, as openpyxl writes it.
    """
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    for row in rows:
        sheet.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def handmade(sheet: str, doctype: str = "", more: Iterable[str] = ()) -> bytes:
    """
    Return a workbook with the XML of its only sheet as given.
    """
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package'
        '.relationships+xml"/><Override PartName="/xl/workbook.xml" ContentType="'
        f'{TYPE}.sheet.main+xml"/><Override PartName="/xl/sheet.xml" ContentType="'
        f'{TYPE}.worksheet+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship '
        f'Id="a" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/>'
        "</Relationships>",
        "xl/workbook.xml": f'<workbook xmlns="{SHEETS}" xmlns:r="{OFFICE}"><sheets>'
        '<sheet name="a" sheetId="1" r:id="a"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships">'
        f'<Relationship Id="a" Type="{OFFICE}/worksheet" Target="sheet.xml"/>'
        "</Relationships>",
        "xl/sheet.xml": f'{doctype}<worksheet xmlns="{SHEETS}">{sheet}</worksheet>',
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
        for name in more:
            archive.writestr(name, "")
    return out.getvalue()


def row(number: int, *cells: str) -> str:
    """
    Return a row of a sheet with these texts in it.
    """
    inside = "".join(f'<c t="inlineStr"><is><t>{cell}</t></is></c>' for cell in cells)
    return f'<row r="{number}">{inside}</row>'


@pytest.fixture(name="read")
def _read(tmp_path: Path) -> Read:
    """
    Write a workbook and read it.
    """

    def read(content: bytes | Iterable[Iterable[object]]) -> list[Row | Rejected]:
        path = tmp_path / "accounts.xlsx"
        path.write_bytes(content if isinstance(content, bytes) else workbook(content))
        return list(read_accounts(path).lines)

    return read


def told(tmp_path: Path, content: bytes) -> str:
    """
    Return why a workbook as a whole is refused.
    """
    path = tmp_path / "accounts.xlsx"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        read_accounts(path)
    return str(caught.value)


def reasons(rows: Iterable[Row | Rejected]) -> list[str]:
    """
    Return why each line is none, and nothing for one that is.
    """
    return [one.reason if isinstance(one, Rejected) else "" for one in rows]


class TestReadWorkbook:
    def test_the_sample_of_the_guide(self, tmp_path: Path, read: Read) -> None:
        """
        Saved as a workbook, the sample holds the same accounts.
        """
        lines = SAMPLE.read_text("utf-8-sig").replace('"', "").splitlines()
        rows = [line.split(";") for line in lines]

        assert list(read_accounts(SAMPLE).lines) == read(rows)

    def test_cells_of_their_own_kind(self, read: Read) -> None:
        """
        Dates are days, numbers are ids without a fraction, and formats with noughts
        are what Excel shows.
        """
        book = openpyxl.Workbook()
        for row in (
            COLUMNS,
            (CAMILLE, "Zoé", "fr", 7, 12345, date(2026, 9, 1), "31/08/2027"),
            ("b@example.fr", None, None, None, 123, NOON.replace(hour=0)),
            ("c@example.fr", True, None, 7, 12345.0, None, "2027-08-31"),
        ):
            book["Sheet"].append(row)
        book["Sheet"]["E3"].number_format = "00000"
        out = io.BytesIO()
        book.save(out)

        assert [
            Row(
                line=2,
                address=CAMILLE,
                display_name="Zoé",
                language="fr",
                provisioned_by="7",
                external_id="12345",
                valid_from=date(2026, 9, 1),
                valid_until=date(2027, 8, 31),
            ),
            Row(
                line=3,
                address="b@example.fr",
                external_id="00123",
                valid_from=date(2026, 9, 1),
            ),
            Rejected(
                line=4,
                reason="line 2 has the same external_id",
                email="c@example.fr",
                external_id="12345",
            ),
        ] == read(out.getvalue())

    def test_lines_are_excel_s(self, read: Read) -> None:
        """
        Rows of nothing are counted, above the header and below it.
        """
        rows = read([[], [None, " "], ["email"], [], [CAMILLE], ["\n"], ["x"]])

        assert [5, 7] == [one.line for one in rows]

    def test_cells_that_are_no_values(self, read: Read) -> None:
        """
        Formulas, errors and numbers that Excel has rounded are told with their cell.
        """
        rows = read(
            [
                ["email", "external_id", "valid_from"],
                ['=LOWER("A@EXAMPLE.FR")', "1"],
                ["b@example.fr", "#N/A"],
                ["c@example.fr", 1234567890123456],
                ["d@example.fr", 123456789012345.0],
                ["e@example.fr", 1.5, NOON],
                ["f@example.fr", None, time(12)],
                ["g@example.fr", "3", None, "more"],
            ]
        )

        assert [
            "A2 is a formula: copy the column, paste its values",
            "B3 holds an error, #N/A",
            f"B4 is a number of more than 15 digits, which Excel rounds: {TEXT}",
            "",
            "« 2026-09-01 12:00:00 » is not a date: give it as 2026-09-01 or 01/09/2026",
            "« 12:00:00 » is not a date: give it as 2026-09-01 or 01/09/2026",
            "4 cells where 3 are expected",
        ] == reasons(rows)
        assert '=LOWER("A@EXAMPLE.FR")' == getattr(rows[0], "email", "")

    def test_the_first_sheet_that_shows(self, tmp_path: Path) -> None:
        """
        Hidden sheets are passed over, and later ones are not read.
        """
        book = openpyxl.Workbook()
        hidden = book["Sheet"]
        hidden.sheet_state = "hidden"
        for name in ("first", "second"):
            sheet = book.create_sheet(name)
            sheet.append(["email"])
            sheet.append([f"{name}@example.fr"])
        book.active = 1
        path = tmp_path / "accounts.xlsx"
        book.save(path)

        assert (Row(line=2, address="first@example.fr"),) == read_accounts(path).lines

    def test_content_tells_and_not_the_name(self, tmp_path: Path) -> None:
        """
        A workbook that is called CSV is one all the same, and the other way round.
        """
        (tmp_path / "a.csv").write_bytes(workbook([["email"], [CAMILLE]]))
        (tmp_path / "b.xlsx").write_text(f"email\n{CAMILLE}\n", encoding="utf-8")
        expected = (Row(line=2, address=CAMILLE),)

        assert expected == read_accounts(tmp_path / "a.csv").lines
        assert expected == read_accounts(tmp_path / "b.xlsx").lines

    def test_a_sheet_of_nothing(self, tmp_path: Path) -> None:
        """
        A workbook without a header is refused as a CSV without one is.
        """
        assert "line 1: the columns are missing" in told(tmp_path, workbook([[], []]))
        assert "line 2: the columns are mail" in told(
            tmp_path, workbook([[], ["mail", None, None]])
        )


class TestHostileWorkbooks:
    def test_a_size_that_is_not_so(self, read: Read) -> None:
        """
        No row is left out because the file says that it has fewer.
        """
        rows = read(
            handmade(
                '<dimension ref="A1:A1"/><sheetData>'
                f"{HEADER}{row(2, CAMILLE)}{row(9, 'zoe@example.fr')}</sheetData>"
            )
        )

        assert [
            Row(line=2, address=CAMILLE),
            Row(line=9, address="zoe@example.fr"),
        ] == rows

    def test_the_last_corner(
        self, tmp_path: Path, read: Read, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """
        A cell in the last column takes no room, a row far below is one too many, and
        one that no sheet has is none.
        """
        monkeypatch.setattr(files, "MOST_LINES", 1_000)
        monkeypatch.setattr(workbooks, "MOST_ROWS", 2_000)
        corner = '<row r="2"><c r="XFD2"><v>1</v></c></row>'
        beyond = row(10**12, CAMILLE)
        far = row(1_001, CAMILLE)

        assert [] == read(handmade(f"<sheetData>{HEADER}{corner}</sheetData>"))
        assert [] == read(handmade(f"<sheetData>{HEADER}{beyond}</sheetData>"))
        assert "has more than 1,000 lines" in told(
            tmp_path, handmade(f"<sheetData>{HEADER}{far}</sheetData>")
        )

    @pytest.mark.parametrize(
        "doctype",
        [
            f"<!DOCTYPE a [{LAUGHS}]>",
            '<!DOCTYPE a [<!ENTITY l9 SYSTEM "file:///etc/hostname">]>',
            '<!DOCTYPE a SYSTEM "http://127.0.0.1:9/a.dtd">',
        ],
        ids=["expanding", "a file", "elsewhere"],
    )
    def test_entities(self, tmp_path: Path, doctype: str) -> None:
        """
        What XML may ask to be put in is not put in: the file is refused.
        """
        sheet = f"<sheetData>{HEADER}{row(2, '&l9;')}</sheetData>"
        message = told(tmp_path, handmade(sheet, doctype))

        assert message.startswith("accounts.xlsx cannot be read")

    def test_what_unpacks_to_too_much(self, tmp_path: Path) -> None:
        """
        Neither a file of noughts nor one of many parts is unpacked.
        """
        out = io.BytesIO(handmade(f"<sheetData>{HEADER}</sheetData>"))
        with (
            zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED) as archive,
            archive.open("xl/sharedStrings.xml", "w") as member,
        ):
            for _ in range(129):
                member.write(bytes(1024 * 1024))
        parts = handmade("", more=(f"xl/{n}.xml" for n in range(1_000)))

        assert len(out.getvalue()) < 200_000
        assert "unpacks to 129 MiB in 6 parts" in told(tmp_path, out.getvalue())
        assert "unpacks to 0 MiB in 1005 parts" in told(tmp_path, parts)

    @pytest.mark.parametrize(
        "sheet",
        [
            f"<sheetData>{HEADER}<row>{'<c/>' * 400_001}</row></sheetData>",
            f"<x:sheetData>{HEADER}<x:row>{'<c/>' * 400_001}</x:row></x:sheetData>",
            f"<sheetData>{HEADER}{'<row/>' * 2_000}</sheetData>",
            f"<sheetData>{HEADER}<row/><row>{'<c/>' * 400_001}</row><row/></sheetData>",
            "<si/>" * 500_001,
            f"<sheetData>{HEADER}<row><!--<row>--></row></sheetData>",
            f"<sheetData>{HEADER}<row><?a <row ?></row></sheetData>",
        ],
        ids=range(7),
    )
    def test_elements_without_end(
        self, tmp_path: Path, sheet: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """
        A row of more elements than sheets have columns is not unpacked, nor are more
        rows than sheets have, nor what would hide them from being counted.
        """
        # Both are of no size to be made in every run of the tests.
        monkeypatch.setattr(workbooks, "MOST_ROWS", 2_000)
        monkeypatch.setattr(workbooks, "MOST_MARKS", 500_000)
        message = told(tmp_path, handmade(sheet))

        assert message.startswith("accounts.xlsx cannot be read (its XML has ")

    @pytest.mark.parametrize(
        ("declared", "encoding"),
        [("utf-16", "utf-16"), ("utf-16", "utf-16-be"), ("cp037", "utf-8")],
    )
    def test_other_encodings_of_xml(
        self, tmp_path: Path, declared: str, encoding: str
    ) -> None:
        """
        What is not in the encoding of Excel cannot be counted, and is not read.
        """
        text = f'<?xml version="1.0" encoding="{declared}"?><worksheet/>'
        out = io.BytesIO(handmade(""))
        with zipfile.ZipFile(out, "a") as archive:
            archive.writestr("xl/other.xml", text.encode(encoding))

        assert "cannot be read (its XML is not in UTF-8)" in told(
            tmp_path, out.getvalue()
        )

    def test_pictures_and_declared_encodings(self, tmp_path: Path, read: Read) -> None:
        """
        A picture in a workbook is no XML, and UTF-8 may be said in any case.
        """
        declared = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
        out = io.BytesIO(
            handmade(f"<sheetData>{HEADER}{row(2, CAMILLE)}</sheetData>", declared)
        )
        with zipfile.ZipFile(out, "a") as archive:
            archive.writestr("xl/media/image1.png", b"\x89PNG\r\n\0<!")

        assert [Row(line=2, address=CAMILLE)] == read(out.getvalue())

    @pytest.mark.parametrize("name", ["content.xml", "xl/workbook.bin"])
    def test_other_archives(self, tmp_path: Path, name: str) -> None:
        """
        OpenDocument, binary workbooks and other archives are told in words.
        """
        out = io.BytesIO(handmade("") if name.startswith("xl/") else b"")
        with zipfile.ZipFile(out, "a") as archive:
            archive.writestr(name, "x")

        assert "accounts.xlsx is not XLSX: save it as" in told(tmp_path, out.getvalue())

    @pytest.mark.parametrize(
        "sheet",
        [
            "<sheetData>",
            f"<sheetData>{HEADER}<row r='a'/></sheetData>",
            f"<sheetData>{HEADER}<row><c t='s'><v>7</v></c></row></sheetData>",
            f"<sheetData>{HEADER}<row><c><v>{'9' * 5_000}</v></c></row></sheetData>",
            f"<sheetData>{HEADER}<row><c><v>nan</v></c></row></sheetData>",
        ],
        ids=range(5),
    )
    def test_damaged_sheets(self, tmp_path: Path, sheet: str) -> None:
        """
        A sheet that openpyxl trips over is refused, whatever it raises.
        """
        message = told(tmp_path, handmade(sheet))

        assert message.startswith("accounts.xlsx cannot be read (")
        assert message.isprintable()

    def test_numbers_beyond_all(self, read: Read) -> None:
        """
        Infinity is no external id, nor is a number that no sheet can hold.
        """
        cells = "".join(
            f"<row><c><v>{number}</v></c></row>" for number in ("1e999", "-1e300", "-1")
        )
        rows = read(handmade(f"<sheetData>{HEADER}{cells}</sheetData>"))

        assert [True, True, False] == [
            "more than 15 digits" in reason for reason in reasons(rows)
        ]

    def test_without_defusedxml(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """
        Where openpyxl was told to do without it, or has to, nothing is read.
        """
        monkeypatch.setattr(openpyxl, "DEFUSEDXML", False)

        assert "pip install 'uness-auth[xlsx]'" in told(
            tmp_path, workbook([["email"], [CAMILLE]])
        )

    @given(st.data())
    @settings(
        suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
    )
    def test_any_damage(self, read: Read, data: st.DataObject) -> None:
        """
        However a workbook was damaged, it is read or refused.
        """
        content = bytearray(
            handmade(f"<sheetData>{HEADER}{row(2, CAMILLE)}</sheetData>")
        )
        for _ in range(data.draw(st.integers(1, 8))):
            place = data.draw(st.integers(4, len(content) - 1))
            content[place] = data.draw(st.integers(0, 255))
        try:
            told, rows = "", read(bytes(content))
        except ConfigurationError as exc:
            told, rows = str(exc), []

        assert told.isprintable()
        assert all(one.line >= 2 for one in rows)
