"""
Keeps link tokens out of access logs, where they would rest for their lifetime.
"""

from __future__ import annotations

import copy
import logging
import re
from collections.abc import Iterable, Mapping
from typing import Final


# The servers' error logs too: they name the request that failed.
ACCESS_LOGGERS: Final = (
    "werkzeug",
    "gunicorn.access",
    "gunicorn.error",
    "uvicorn.access",
    "uvicorn.error",
)
MASK: Final = "[masked]"
_TOKEN: Final = re.compile(r"(/link/)[^\s\"'?#]+")


def masked(text: str, /) -> str:
    """
    Return *text* with whatever stands behind ``/link/`` masked.
    """
    return _TOKEN.sub(rf"\1{MASK}", text)


class LinkTokenFilter(logging.Filter):
    """
    Masks link tokens in a record's message and arguments.

    Keeps the arguments' shape: uvicorn's formatter unpacks a tuple, gunicorn's format
    reads a mapping.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """
        Mask the record and let it pass.
        """
        if isinstance(record.msg, str):
            record.msg = masked(record.msg)
        if isinstance(record.args, tuple):
            record.args = tuple(_masked_value(value) for value in record.args)
        elif isinstance(record.args, Mapping):
            values = {name: _masked_value(one) for name, one in record.args.items()}
            if isinstance(record.args, dict):
                # A copy of the same class: gunicorn's answers missing names itself.
                args = copy.copy(record.args)
                args.update(values)
                record.args = args
            else:
                record.args = values
        return True


def mask_link_tokens(loggers: Iterable[str] = ACCESS_LOGGERS, /) -> None:
    """
    Put the filter on the logs of werkzeug, gunicorn and uvicorn, once each.
    """
    for name in loggers:
        logger = logging.getLogger(name)
        if not any(isinstance(one, LinkTokenFilter) for one in logger.filters):
            logger.addFilter(LinkTokenFilter())


def _masked_value(value: object) -> object:
    return masked(value) if isinstance(value, str) else value
