"""The formats of transactions by name, and which of them a file or folder is."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from history.formats.builder import RecordedHistory
from history.formats.names import AWDIT, COBRA, DBCOP_BINCODE, DBCOP_JSON, DBCOP_TEXT, PLUME
from history.formats.transactions import awdit, cobra, dbcop, plume
from history.formats.transactions.log import TransactionHistory, TransactionLog
from history.history import HistoryError

PLUME_START = re.compile(rb"\s*[rw]\(\d+,\d+,\d+,-?\d+\)[ \t]*(\r?\n|\Z)")
JSON_START = re.compile(rb'\s*(\{\s*"params"\s*:|\[\s*\[\s*\{\s*"(events|committed|success)"\s*:)')
IN_A_FOLDER = "history.bincode"
START_BYTES = 4096

OF_CONTENT: Mapping[str, Callable[[bytes, str], TransactionLog]] = {
    PLUME: plume.read_plume,
    DBCOP_BINCODE: dbcop.read_bincode,
    DBCOP_JSON: dbcop.read_json,
    DBCOP_TEXT: dbcop.read_text,
    AWDIT: awdit.read_awdit,
}
TRANSACTION_FORMATS = (*OF_CONTENT, COBRA)
"""The names of all formats."""


def recognized_transactions(
    path: Path | None, text: str | None = None, start: bytes | None = None
) -> str | None:
    """The format of a file, a folder, or of what came over standard input; None for another.

    Args:
        start: the first START_BYTES of the file, where they were read already.
    """
    if path is not None and start is None:
        if path.is_dir():
            if (path / IN_A_FOLDER).is_file():
                return DBCOP_BINCODE
            return COBRA if cobra.is_cobra(path) else None
        if path.exists() and not path.is_file():
            return None  # a pipe, say, which can be read only once
        with path.open("rb") as file:
            start = file.read(START_BYTES)
    elif start is None:
        start = (text or "")[:START_BYTES].encode()
    if PLUME_START.match(start):
        return PLUME
    if JSON_START.match(start):
        return DBCOP_JSON
    words = start.decode("utf-8", "replace")
    if awdit.START.match(words):
        return AWDIT
    if dbcop.TEXT_START.match(words):
        return DBCOP_TEXT
    return DBCOP_BINCODE if b"\0" in start and dbcop.sessions_at(start) > 0 else None


def read_transactions(
    name: str, path: Path | None, text: str | None = None, *, source: str
) -> RecordedHistory:
    """Read a file, a folder, or a text that came over standard input, in that format.

    Raises:
        HistoryError: it is not in this format.
        FileNotFoundError: the file does not exist.
    """
    if name == COBRA:
        if path is None:
            raise HistoryError(1, "Cobra's logs are a folder, which standard input is not", source)
        log = cobra.read_cobra(path, source)
    else:
        if path is not None and path.is_dir():
            if name != DBCOP_BINCODE:
                raise HistoryError(1, f"a folder is never in the format {name}", source)
            path, source = path / IN_A_FOLDER, str(path / IN_A_FOLDER)
        log = OF_CONTENT[name](path.read_bytes() if path is not None else (text or "").encode(), source)
    initial = f"the initial value of each key is {log.initial}, as the format {log.format_name} says"
    history = TransactionHistory(log, source=source)
    return RecordedHistory(history, np.repeat(log.line, 2).tolist(), source, warnings=(initial,))
