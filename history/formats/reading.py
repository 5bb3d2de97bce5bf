"""Reads any history whose format is known, from a file, a folder or a text: the one place that does.

The format is named, or recognized from the file's name and first lines.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from history.formats.builder import RecordedHistory
from history.formats.jepsen_edn import read_edn
from history.formats.jepsen_log import read_log
from history.history import History, HistoryError
from history.store import operations_of_lines, read_history

ACKPROOF = "ackproof"
STANDARD_INPUT = "standard input"
COMMENTS = re.compile(r"\A(\s+|;[^\n]*(\n|\Z))+")


def read(path: Path | None, text: str | None = None, *, format_: str | None = None) -> RecordedHistory:
    """Read a file or a folder; or, where `path` is None, a text that came over standard input.

    Raises:
        HistoryError: the input cannot be read, breaks a history's rules, or is in no known format.
        FileNotFoundError: the file does not exist.
    """
    source = STANDARD_INPUT if path is None else str(path)
    if path is not None and (path.is_dir() or path.suffix == ".parquet"):
        if format_ not in (None, ACKPROOF):
            raise HistoryError(1, f"a folder or Parquet file is never in the format {format_}", source)
        return _whole(read_history(path), source)
    if path is not None and path.suffix == ".jsonl" and format_ in (None, ACKPROOF):
        return _whole(read_history(path), source)  # unlike a text, it may end in a line that a crash cut
    if path is not None:
        text = decoded(path.read_bytes(), source)
    return FORMATS[format_ or _recognized(text or "", source)](text or "", source)


def decoded(content: bytes, source: str = STANDARD_INPUT) -> str:
    """The text of a file or of standard input.

    Raises:
        HistoryError: the bytes are not UTF-8.
    """
    try:
        return content.decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as damage:
        raise HistoryError(1, f"not text in UTF-8: {damage}", source) from damage


def _read_ackproof(text: str, source: str) -> RecordedHistory:
    return _whole(History(operations_of_lines(text.splitlines(), source), source=source), source)


FORMATS: Mapping[str, Callable[[str, str], RecordedHistory]] = {
    ACKPROOF: _read_ackproof,
    "jepsen-log": read_log,
    "jepsen-edn": read_edn,
    "jepsen-edn-independent": lambda text, source: read_edn(text, source, independent=True),
    "porcupine-kv": read_edn,
}
"""The reader of each format, by its name: a function of (text, name of its source)."""


def _whole(history: History, source: str) -> RecordedHistory:
    """A history of our own, whose operations each stand on a line."""
    return RecordedHistory(history, range(1, len(history) + 1), source)


def _recognized(text: str, source: str) -> str:
    start = COMMENTS.sub("", text[:100_000])[:4000]
    if start.startswith('{"'):
        return ACKPROOF
    if start.startswith(("{:", "[{:", "#")):
        return "porcupine-kv" if ":key" in start else "jepsen-edn"
    if "jepsen.util" in start:
        return "jepsen-log"
    raise HistoryError(
        1, f"the format is not recognized; name it with --format: {', '.join(FORMATS)}", source
    )
