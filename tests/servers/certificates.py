"""
Certificates for servers that speak https, from an authority of the tests' own.
"""

from __future__ import annotations

import ssl
from pathlib import Path

import trustme


def issued(folder: Path, *names: str) -> tuple[Path, ssl.SSLContext]:
    """
    Return a file with a key and its certificate, and what a client trusts it by.
    """
    authority = trustme.CA()
    file = folder / "server.pem"
    authority.issue_cert(*names).private_key_and_cert_chain_pem.write_to_path(file)
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return file, context
