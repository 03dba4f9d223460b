"""
Compile the catalogs of texts: ``uness_auth.po``, which people edit, to ``.mo``.

Run it after every change of a ``.po`` file and commit both.  With ``--check`` it
writes nothing and exits 1 where a ``.mo`` is not what its ``.po`` compiles to.
"""

from __future__ import annotations

import struct
import sys
from pathlib import Path

from babel.messages import Catalog
from babel.messages.pofile import read_po


LOCALE = Path(__file__).parent.parent / "src" / "uness_auth" / "locale"
MAGIC = 0x950412DE
HEADER_SIZE = 28


def compiled(source: Path, /) -> bytes:
    """
    Return the ``.mo`` file of the ``.po`` file *source*.

    The same bytes for the same texts, wherever and whenever it runs.  Babel's own
    writer puts its version and the time of day into the file.
    """
    with source.open("rb") as file:
        catalog = read_po(file, abort_invalid=True)
    entries = _entries(catalog)
    ids = b"".join(key + b"\0" for key, _ in entries)
    texts = b"".join(text + b"\0" for _, text in entries)
    keys_at = HEADER_SIZE
    texts_at = keys_at + 8 * len(entries)
    heap_at = texts_at + 8 * len(entries)
    return b"".join(
        (
            struct.pack("<7I", MAGIC, 0, len(entries), keys_at, texts_at, 0, heap_at),
            _table([key for key, _ in entries], heap_at),
            _table([text for _, text in entries], heap_at + len(ids)),
            ids,
            texts,
        )
    )


def _entries(catalog: Catalog) -> list[tuple[bytes, bytes]]:
    header = (
        "Content-Type: text/plain; charset=utf-8\n"
        f"Language: {catalog.locale_identifier}\n"
        f"Plural-Forms: {catalog.plural_forms}\n"
    )
    entries = {b"": header.encode()}
    for message in catalog:
        if message.id and message.string:
            entries[_joined(message.id)] = _joined(message.string)
    return sorted(entries.items())


def _joined(texts: str | list[str] | tuple[str, ...]) -> bytes:
    return (texts if isinstance(texts, str) else "\0".join(texts)).encode()


def _table(texts: list[bytes], start: int) -> bytes:
    rows = bytearray()
    for text in texts:
        rows += struct.pack("<2I", len(text), start)
        start += len(text) + 1
    return bytes(rows)


def main(arguments: list[str], /) -> int:
    """
    Compile every catalog, or check it, and return the exit code.
    """
    is_check = "--check" in arguments
    stale = 0
    for source in sorted(LOCALE.glob("*/LC_MESSAGES/*.po")):
        target = source.with_suffix(".mo")
        fresh = compiled(source)
        if target.is_file() and target.read_bytes() == fresh:
            continue
        stale += 1
        if not is_check:
            target.write_bytes(fresh)
        name = target.relative_to(LOCALE.parent)
        sys.stdout.write(f"{name} {'is stale' if is_check else 'written'}\n")
    return 1 if is_check and stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
