"""
Files of accounts: what registrars save, and what they save by mistake.
"""

from __future__ import annotations

import codecs
import csv
import io
import os
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from uness_auth.addresses import canonical
from uness_auth.errors import ConfigurationError
from uness_auth.provisioning import FileOfAccounts, Rejected, Row, read_accounts
from uness_auth.provisioning import files as files_module
from uness_auth.provisioning.files import COLUMNS


Read = Callable[..., list[Row | Rejected]]
CAMILLE = Row(line=2, address="camille@example.fr")
ZOE = Row(line=2, address="zoe@example.fr", display_name="Zoé Œuvrard – Bœuf")
SAMPLE = Path(__file__).parents[3] / "docs/howto/comptes-exemple.csv"
HEADER = ";".join(COLUMNS)


def written(folder: Path, content: str | bytes) -> Path:
    """
    Write a file of accounts.
    """
    path = folder / "accounts.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.fixture(name="read")
def _read(tmp_path: Path) -> Read:
    """
    Write a file and read it.
    """

    def read(content: str | bytes, encoding: str = "") -> list[Row | Rejected]:
        path = written(tmp_path, content)
        return list(read_accounts(path, encoding=encoding).lines)

    return read


def told(tmp_path: Path, content: str | bytes, encoding: str = "") -> str:
    """
    Return why a file as a whole is refused.
    """
    path = written(tmp_path, content)
    with pytest.raises(ConfigurationError) as caught:
        read_accounts(path, encoding=encoding)
    return str(caught.value)


class TestReadAccounts:
    def test_every_column(self, tmp_path: Path) -> None:
        """
        Columns stand in any order and case, and addresses become canonical.
        """
        path = written(
            tmp_path,
            "Language; EMAIL ;display_name;Valid_Until;valid_from;provisioned_by;"
            "external_id\n"
            "EN; Zoe@Example.FR ; Zoé X ;31/8/2027;2026-09-01;lyon1;00123\n",
        )

        assert FileOfAccounts(
            columns=frozenset(COLUMNS),
            lines=(
                Row(
                    line=2,
                    address="zoe@example.fr",
                    display_name="Zoé X",
                    language="en",
                    provisioned_by="lyon1",
                    external_id="00123",
                    valid_from=date(2026, 9, 1),
                    valid_until=date(2027, 8, 31),
                ),
            ),
        ) == read_accounts(path)

    def test_the_sample_of_the_guide(self) -> None:
        """
        The file that registrars start from has every column and no fault.
        """
        found = read_accounts(SAMPLE)

        assert frozenset(COLUMNS) == found.columns
        assert [] == [line for line in found.lines if not isinstance(line, Row)]
        assert len(found.lines) >= 4

    def test_columns_that_are_there(self, tmp_path: Path) -> None:
        """
        A column that the file has not is told from one that is empty.
        """
        path = written(tmp_path, "email;language\ncamille@example.fr;\n")

        assert {"email", "language"} == read_accounts(str(path)).columns

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

    @pytest.mark.parametrize("separator", [";", ",", "\t"])
    @pytest.mark.parametrize("first", ["sep={}\r\n", '"SEP={}"\n'])
    def test_excel_s_own_first_line(
        self, read: Read, separator: str, first: str
    ) -> None:
        """
        `sep=;` is obeyed and counts as no line, as in Excel.
        """
        assert [CAMILLE] == read(
            f"{first.format(separator)}email{separator}language\n"
            f"camille@example.fr{separator}\n"
        )

    @pytest.mark.parametrize(
        ("encoding", "mark"),
        [
            ("utf-8", b""),
            ("utf-8", codecs.BOM_UTF8),
            ("utf-16-le", codecs.BOM_UTF16_LE),
            ("utf-16-be", codecs.BOM_UTF16_BE),
        ],
    )
    @pytest.mark.parametrize("asked", ["", "cp1252"])
    def test_what_a_file_says_of_itself(
        self, read: Read, encoding: str, mark: bytes, asked: str
    ) -> None:
        """
        A mark tells the encoding, whatever was asked for; without one it is UTF-8.
        """
        text = f"email;display_name\r\n{ZOE.address};{ZOE.display_name}\r\n"

        assert [ZOE] == read(mark + text.encode(encoding), asked if mark else "")

    @pytest.mark.parametrize(
        ("asked", "encoding", "name"),
        [
            ("cp1252", "cp1252", "Zoé Œuvrard – 5 €"),
            ("Windows-1252", "cp1252", "Zoé Œuvrard – 5 €"),
            # Who says so means what Windows writes.
            ("latin-1", "cp1252", "Zoé Œuvrard – 5 €"),
            ("ISO-8859-15", "iso8859-15", "Zoé Œuvrard"),
            ("mac-roman", "mac-roman", "Zoé Œuvrard – 5 €"),
            ("utf8", "utf-8", "Zoé Œuvrard 漢"),
            ("utf-16", "utf-16-le", "Zoé Œuvrard 漢"),
        ],
    )
    def test_encodings_that_are_asked_for(
        self, read: Read, asked: str, encoding: str, name: str
    ) -> None:
        """
        What Excel calls « CSV » is read when it is asked for, and so is the Mac's.
        """
        text = f"email;display_name\r\n{ZOE.address};{name}\r\n"

        assert [attrs.evolve(ZOE, display_name=name)] == read(
            text.encode(encoding), asked
        )

    def test_plain_letters_are_of_any_encoding(self, read: Read) -> None:
        """
        Where no letter has an accent, asking for another encoding changes nothing.
        """
        assert [CAMILLE] == read("email\ncamille@example.fr\n", "cp1252")

    def test_quoted_separators_quotes_and_line_breaks(self, read: Read) -> None:
        """
        Within quotes anything may stand; a line break there is no end of a row.
        """
        rows = read(
            'email;display_name\r\n"camille@example.fr\r\n";"Durand ; ""Cam"", ép. X"\r\n'
            'zoe@example.fr;"Zoé\nX"\r\nlea@example.fr;Léa "Lili" X\r\n'
        )

        assert [
            attrs.evolve(CAMILLE, display_name='Durand ; "Cam", ép. X'),
            Rejected(
                line=3,
                reason="a cell holds a line break or another control character",
                email="zoe@example.fr",
            ),
            Row(line=4, address="lea@example.fr", display_name='Léa "Lili" X'),
        ] == rows

    def test_email_alone(self, read: Read) -> None:
        """
        One column is enough, with the mark that Excel begins a file with.
        """
        assert [CAMILLE] == read("\ufeffemail\r\ncamille@example.fr\r\n")

    def test_empty_lines_are_passed_over(self, read: Read) -> None:
        """
        Lines of nothing are no accounts, above the header too, and still are counted.
        """
        rows = read("\n;;\nemail;language\n\n;\n \t;\ncamille@example.fr;\n\n;\n")

        assert [attrs.evolve(CAMILLE, line=7)] == rows

    def test_empty_cells_at_the_end(self, read: Read) -> None:
        """
        Excel leaves empty cells where columns were once in use.
        """
        rows = read(
            "email;language;;\ncamille@example.fr;;;;;;\nzoe@example.fr;fr;;x;\n"
            "lea@example.fr;fr;\n"
        )

        assert CAMILLE == rows[0]
        assert (
            Rejected(
                line=3, reason="4 cells where 2 are expected", email="zoe@example.fr"
            )
            == rows[1]
        )
        assert Row(line=4, address="lea@example.fr", language="fr") == rows[2]

    def test_cells_that_excel_leaves_out(self, read: Read) -> None:
        """
        Of sixteen rows that have nothing in the last columns Excel writes none there;
        a row that alone is short has lost a cell.
        """
        full = "".join(f"a{n}@example.fr;A;fr\n" for n in range(2, 17))
        short = "".join(f"a{n}@example.fr;A\n" for n in range(17, 33))
        mixed = "a33@example.fr;A;fr\na34@example.fr;fr\n"
        last = "".join(f"\na{n}@example.fr" for n in range(49, 51))
        rows = read(
            f"email;display_name;language\n{full}{short}{mixed}" + "\n" * 13 + last
        )
        rejected = [row for row in rows if isinstance(row, Rejected)]

        assert [34] == [row.line for row in rejected]
        assert "2 cells where 3 are expected" == rejected[0].reason
        assert [*range(2, 35), 49, 50] == [row.line for row in rows]
        assert Row(line=20, address="a20@example.fr", display_name="A") == rows[18]
        assert Row(line=50, address="a50@example.fr") == rows[-1]

    def test_header_alone(self, read: Read) -> None:
        """
        A file without accounts is one.
        """
        assert [] == read("email;display_name\n")

    def test_edges_of_cells(self, read: Read) -> None:
        """
        What a copy from a web page leaves around a cell is not of it.
        """
        rows = read(
            "email;display_name\n\u00a0camille@example.fr \u202f;\tCamille\u00a0\n"
        )

        assert [attrs.evolve(CAMILLE, display_name="Camille")] == rows

    def test_what_is_said_often_is_kept_once(self, read: Read) -> None:
        """
        A hundred thousand rows of one registrar have one copy of its name and dates.
        """
        rows = read(f"{HEADER}\na@example.fr;;;lyon-1;;2026-09-01;\n"
                    "b@example.fr;;;lyon-1;;2026-09-01;\n")  # fmt: skip
        one, other = (row for row in rows if isinstance(row, Row))

        assert one.provisioned_by is other.provisioned_by
        assert one.valid_from is other.valid_from


class TestFilesThatAreNone:
    @pytest.mark.parametrize(
        ("content", "said"),
        [
            ("", "line 1: the columns are missing: email is not among them"),
            ("\n;;\n", "line 1: the columns are missing"),
            ("name;mail\n", "nobody knows « mail », « name »; email is not among"),
            ("\nemail;e-mail\n", "line 2: the columns are email, e-mail: nobody knows"),
            ("email;email\n", "one is there twice"),
            ("email;;language\n", "nobody knows «  »"),
            ("email;\x1b[31m\n", "nobody knows « \ufffd[31m »"),
            (f"email;{'x' * 500}\n", f"« {'x' * 79}… »"),
            ("sep=|\nemail\n", "nobody knows « sep=| »"),
            ("<html><table>email", "nobody knows « <html><table>email »"),
        ],
        ids=range(10),
    )
    def test_columns(self, tmp_path: Path, content: str, said: str) -> None:
        """
        A header row that is none is told with what it holds and what it may hold.
        """
        message = told(tmp_path, content)

        assert said in message
        assert message.startswith("accounts.csv, line")
        assert "give email" in message
        assert str(tmp_path) not in message

    @pytest.mark.parametrize(
        ("content", "line"),
        [
            ('"email\ncamille@example.fr\n', 1),
            ('email;language\na@example.fr;fr\nb@example.fr;"fr\nc@example.fr;fr\n', 3),
            # The next quoted cell seems to end it.
            ('email;language\nb@example.fr;"fr\nc@example.fr;"fr"\n', 2),
            ('email;language\na@example.fr;"f"r\n', 2),
            ('email\tlanguage\na@example.fr\t"f"r\n', 2),
            # Rows are Excel's: the line break belongs to the second.
            ('email;language\na@example.fr;"\n"\n\nb@example.fr;"', 4),
            ('sep=;\nemail;language\na@example.fr;"', 2),
            (f'email;language\na@example.fr;"{"x;" * 70_000}', 2),
        ],
        ids=range(8),
    )
    def test_an_open_quote(self, tmp_path: Path, content: str, line: int) -> None:
        """
        Behind a quote that is left open nothing is sure: the file is refused.
        """
        message = told(tmp_path, content)

        assert message.startswith(
            f"accounts.csv, line {line}: a quote does not end where its cell does"
        )
        assert message.isprintable()

    @pytest.mark.parametrize(
        ("content", "encoding", "said"),
        [
            (
                b"email\na@example.fr\nz\xe9@example.fr\n",
                "",
                "line 3: byte 0xe9 is not utf-8: save the file as « CSV UTF-8 », or say",
            ),
            (b"\xef\xbb\xbfemail\n\xff", "", "line 2: byte 0xff is not utf-8"),
            (b"\xff\xfee\0m\0a\0", "", "line 1: the columns are ema"),
            (b"\xff\xfee\0\n\0\x00\xd8e\0", "", "line 2: byte 0x00 is not utf-16-le"),
            (b"\xfe\xff\0e\0\n\0", "", "line 2: byte 0x00 is not utf-16-be"),
            (
                b'sep=;\nemail;language\na@example.fr;"\n"\n\x81',
                "cp1252",
                "line 3: byte 0x81 is not cp1252: save the file as « CSV UTF-8 »",
            ),
            ("email\nzoé\n".encode(), "cp1252", "is UTF-8 and not cp1252"),
            ("email\nzoé\n".encode(), "mac-roman", "is UTF-8 and not mac-roman"),
            (b"email\n", "cp1253", "encoding='cp1253' is not one that is read"),
            (b"email\n", "rot13", "give one of cp1252, iso8859-1"),
            (b"email\n", "nonsense", "encoding='nonsense'"),
            (b"email\n", "a\0b", "encoding='a\\x00b'"),
        ],
        ids=range(12),
    )
    def test_bytes_of_another_encoding(
        self, tmp_path: Path, content: bytes, encoding: str, said: str
    ) -> None:
        """
        Bytes that are no text in the encoding are told with their line, and the way
        out; so are bytes that would become other letters.
        """
        assert said in told(tmp_path, content, encoding)

    @pytest.mark.parametrize(
        ("content", "line"),
        [
            (b"email\ncam\0ille@example.fr\n", 2),
            (b'email;language\na@example.fr;"\n"\n"\0"', 3),
            # UTF-16 without its mark, and UTF-32 with it.
            ("email\n".encode("utf-16-le"), 1),
            ("email\n".encode("utf-32"), 1),
        ],
        ids=range(4),
    )
    def test_nul(self, tmp_path: Path, content: bytes, line: int) -> None:
        """
        A NUL is in no text that somebody typed.
        """
        assert told(tmp_path, content) == (
            f"accounts.csv, line {line}: a NUL: save the file as « CSV UTF-8 »"
        )

    def test_no_file(self, tmp_path: Path) -> None:
        """
        What is no file is told by its path, and nobody waits for a pipe.
        """
        pipe = tmp_path / "pipe"
        os.mkfifo(pipe)

        for path, said in [
            (str(tmp_path / "missing.csv"), "missing.csv cannot be read: No such file"),
            (str(tmp_path), "is not a file"),
            (str(pipe), "is not a file"),
            ("a\0b", "cannot be read: .*embedded null"),
        ]:
            with pytest.raises(ConfigurationError, match=said):
                read_accounts(path)

    def test_too_large(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """
        A file beyond all measure is refused by its size, and by its lines.
        """
        monkeypatch.setattr(files_module, "LARGEST_FILE", 1024 * 1024)
        monkeypatch.setattr(files_module, "MOST_LINES", 3)
        lines = "email\na@example.fr\nb@example.fr\n"

        assert 2 == len(read_accounts(written(tmp_path, f"{lines}\n\n\n")).lines)
        assert "has more than 3 lines" in told(tmp_path, f"{lines}c@example.fr")
        assert "is larger than 1 MiB" in told(tmp_path, b"\n" * 1024 * 1025)

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 Workbook", "is of Excel before 2007"),
            (
                b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1%b"
                % "EncryptedPackage".encode("utf-16-le"),
                "has a password",
            ),
            (b"PK\x03\x04 and no more", "cannot be read (File is not a zip file)"),
        ],
        ids=range(3),
    )
    def test_other_files_of_excel(
        self, tmp_path: Path, content: bytes, said: str
    ) -> None:
        """
        Content tells what a file is, and the message what to do with it.
        """
        message = told(tmp_path, content)

        assert said in message
        assert "save it as « Classeur Excel (.xlsx) » or as « CSV UTF-8 »" in message


class TestRejected:
    @pytest.mark.parametrize(
        ("line", "reason"),
        [
            ("camille@example.fr;Camille", "2 cells where 7 are expected"),
            ("camille@example.fr;Camille;fr;;;;;x", "8 cells where 7 are expected"),
            ("camille@;Camille;fr;;;;", "« camille@ » is not an e-mail address: the"),
            (";Camille;;;;;", "«  » is not an e-mail address: the cell is empty"),
            ("a@example.fr,b@example.fr;;;;;;", "give one address per line"),
            ("camille@example.fr;Camille;de;;;;", "« de » is not a language"),
            (f"camille@example.fr;{'x' * 1_000};fr;;;;", "the line is too long"),
            (f"camille@example.fr;{'x' * 201};fr;;;;", "display_name has 201 char"),
            (f"camille@example.fr;;;{'x' * 65};;;", "provisioned_by has 65 char"),
            (f"camille@example.fr;;;;{'1' * 129};;", "external_id has 129 char"),
            ("camille@example.fr;;;;12\u200b3;;", "external_id holds a character that"),
            ("camille@example.fr;;;ly\u00a0on;;;", "provisioned_by holds a character"),
            ('camille@example.fr;"Cam\nille";fr;;;;', "control character"),
            ("camille@example.fr;\x1b[31m;fr;;;;", "control character"),
            ("camille@example.fr;Cam\u202eille;fr;;;;", "control character"),
            ("camille@example.fr;;;;;01/09/26;", "« 01/09/26 » is not a date: give it"),
            ("camille@example.fr;;;;;;2026-9-1", "« 2026-9-1 » is not a date: give it"),
            ("camille@example.fr;;;;;30/02/2026;", "there is no such day"),
            ("camille@example.fr;;;;;;31/12/9999", "leave the cell empty where there"),
            ("camille@example.fr;;;;;0000-01-01;", "« 0000-01-01 » is too far away"),
            (
                "camille@example.fr;;;;;\u0662\u0660\u0662\u0666-\u0660\u0669-\u0660\u0661;",
                "is not a date",
            ),
            (
                "camille@example.fr;;;;;02/09/2026;01/09/2026",
                "valid_until, 2026-09-01, is before valid_from, 2026-09-02",
            ),
        ],
        ids=range(22),
    )
    def test_faulty_lines(self, read: Read, line: str, reason: str) -> None:
        """
        A line that is no account is told with its number, and the others go on.
        """
        rejected, row = read(f"{HEADER}\n{line}\nzoe@example.fr;Zoé;;;;;\n")

        assert isinstance(rejected, Rejected)
        assert 2 == rejected.line
        assert reason in rejected.reason
        assert isinstance(row, Row)
        assert "zoe@example.fr" == row.address

    def test_one_day(self, read: Read) -> None:
        """
        An account may be valid for one day, and a name may be as long as it may be.
        """
        [row] = read(
            f"{HEADER}\ncamille@example.fr;{'x' * 200};;{'y' * 64};{'z' * 128};"
            "01/09/2026;2026-09-01\n"
        )

        assert isinstance(row, Row)
        assert date(2026, 9, 1) == row.valid_from == row.valid_until

    def test_as_typed(self, read: Read) -> None:
        """
        A rejected line tells address and external id as they were typed, as far as a
        terminal can show them.
        """
        [rejected] = read(
            "email;language;external_id\nCamille@Example.FR;\x1bXX;00123\n"
        )

        assert (
            Rejected(
                line=2,
                reason="a cell holds a line break or another control character",
                email="Camille@Example.FR",
                external_id="00123",
            )
            == rejected
        )

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
        assert isinstance(rows[0], Rejected)
        assert attrs.evolve(CAMILLE, line=3) == rows[1]

    def test_an_address_twice(self, read: Read) -> None:
        """
        The first line with an address counts, and a later one names it.
        """
        rows = read("email;language\na@example.fr;xx\na@example.fr\nA@EXAMPLE.fr ;\n"
                    "a@example.fr;fr\nb@example.fr;\n")  # fmt: skip

        assert [Rejected, Rejected, Row, Rejected, Row] == [type(row) for row in rows]
        assert (
            Rejected(line=5, reason="line 4 has the same address", email="a@example.fr")
            == rows[3]
        )

    def test_an_external_id_twice(self, read: Read) -> None:
        """
        An external id is one person of one registrar; without one nobody is repeated.
        """
        rows = read(
            "email;provisioned_by;external_id\na@example.fr;lyon;7\nb@example.fr;lyon;7\n"
            "c@example.fr;paris;7\nd@example.fr;lyon;\ne@example.fr;lyon;\n"
            "b@example.fr;lyon;07\n"
        )

        assert [3] == [row.line for row in rows if isinstance(row, Rejected)]
        assert (
            Rejected(
                line=3,
                reason="line 2 has the same external_id",
                email="b@example.fr",
                external_id="7",
            )
            == rows[1]
        )


class TestHostileFiles:
    @given(st.text())
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_any_text(self, read: Read, text: str) -> None:
        """
        Of any text come accounts and rejected lines, or the file is refused.
        """
        content = ("email\n" + text).encode("utf-8", "replace")
        try:
            lines = [row.line for row in read(content)]
        except ConfigurationError:
            lines = []
            assert '"' in text or "\0" in text

        assert all(line >= 2 for line in lines)

    @given(
        st.binary()
        | st.lists(
            st.sampled_from(
                [
                    *(b"email", b"display_name", b"language", b"a@example.fr", b"en"),
                    *(b"valid_from", b"2026-09-01", b"sep=;", b"external_id"),
                    *(b";", b",", b"\t", b'"', b"\n", b"\r"),
                    *(b"\x00", b"\xff", b"\xef\xbb\xbf", b"\xff\xfe", b"PK\x03\x04"),
                ]
            )
        ).map(b"".join),
        st.sampled_from(["", "cp1252", "utf-16", "mac-roman"]),
    )
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_any_bytes(self, read: Read, content: bytes, encoding: str) -> None:
        """
        Any file at all is refused as a whole, or read line by line.
        """
        try:
            rows, message = read(content, encoding), "accounts.csv"
        except ConfigurationError as exc:
            rows, message = [], str(exc)

        assert "accounts.csv" in message
        assert message.isprintable()
        for row in rows:
            assert row.line >= 2
            if isinstance(row, Row):
                assert canonical(row.address) == row.address
            else:
                assert row.reason.isprintable()

    @given(
        st.lists(st.text(max_size=30), min_size=1, max_size=60),
        st.sampled_from([";", ",", "\t"]),
        st.sampled_from(["utf-8-sig", "utf-16"]),
    )
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_what_csv_writes_is_read(
        self, read: Read, names: list[str], separator: str, encoding: str
    ) -> None:
        """
        Each row that a writer of CSV wrote is found in its line, name and all, or told
        to be none.
        """
        out = io.StringIO(newline="")
        writer = csv.writer(out, delimiter=separator)
        writer.writerow(["email", "display_name"])
        kept = [name.replace("\0", "") for name in names]
        for number, name in enumerate(kept):
            writer.writerow([f"a{number}@example.fr", name])
        rows = read(out.getvalue().encode(encoding, "replace"))

        assert [*range(2, len(kept) + 2)] == [row.line for row in rows]
        for name, row in zip(kept, rows, strict=True):
            if name.isascii() and name.isprintable():
                assert isinstance(row, Row)
                assert name.strip() == row.display_name


class TestLibrary:
    def test_without_it(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """
        A workbook without its library is told with what to install.
        """
        import zipfile  # noqa: PLC0415 - of this test alone

        monkeypatch.setitem(sys.modules, "openpyxl", None)
        path = tmp_path / "accounts.csv"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("[Content_Types].xml", "<Types/>")

        assert "pip install 'uness-auth[xlsx]'" in told(tmp_path, path.read_bytes())
