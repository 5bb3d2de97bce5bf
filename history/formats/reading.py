"""Read any history that some reader knows, from a path or from text; the format named or recognized."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from history.formats.foreign import Foreign
from history.formats.jepsen_edn import read_edn
from history.formats.jepsen_log import read_log
from history.history import History, HistoryError
from history.operation import Operation
from history.store import read_history

ACKPROOF = "ackproof"
COMMENTS = re.compile(r"\A(\s+|;[^\n]*(\n|\Z))+")


def _read_ackproof(text: str, source: str) -> Foreign:
    decoder = msgspec.json.Decoder(Operation)
    operations = []
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            operations.append(decoder.decode(line))
        except (msgspec.DecodeError, UnicodeDecodeError) as damage:
            raise HistoryError(number, f"not an operation: {damage}", source) from damage
    return Foreign(History(operations, source=source), range(1, len(operations) + 1), source)


FORMATS: Mapping[str, Callable[[str, str], Foreign]] = {
    ACKPROOF: _read_ackproof,
    "jepsen-log": read_log,
    "jepsen-edn": read_edn,
    "jepsen-edn-independent": lambda text, source: read_edn(text, source, independent=True),
    "porcupine-kv": read_edn,
}
"""By name, the reader of (text, what to call its source)."""


def read(path: Path | None, text: str | None = None, *, format_: str | None = None) -> Foreign:
    """Read a file or folder, or else a text that came from elsewhere (standard input).

    Raises:
        HistoryError: what is there cannot be read, breaks a history's rules, or is in no known format.
        FileNotFoundError: the file is not there.
    """
    source = "standard input" if path is None else str(path)
    if path is not None and (path.is_dir() or path.suffix == ".parquet"):
        if format_ not in (None, ACKPROOF):
            raise HistoryError(1, f"a folder or Parquet file is never in the format {format_}", source)
        history = read_history(path)
        return Foreign(history, range(1, len(history) + 1), source)
    if path is not None:
        if path.suffix == ".jsonl" and format_ in (None, ACKPROOF):
            history = read_history(path)  # allows for a last line cut by a crash
            return Foreign(history, range(1, len(history) + 1), source)
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError as damage:
            raise HistoryError(1, f"not a text file in UTF-8: {damage}", source) from damage
    return FORMATS[format_ or _recognized(text or "", source)](text or "", source)


def _recognized(text: str, source: str) -> str:
    start = COMMENTS.sub("", text[:100_000])[:4000]
    if start.startswith('{"'):
        return ACKPROOF
    if start.startswith(("{:", "[{:", "#")):
        return "porcupine-kv" if ":key" in start else "jepsen-edn"
    if "jepsen.util" in start:
        return "jepsen-log"
    raise HistoryError(
        1, f"in no format that is recognized; name one with --format: {', '.join(FORMATS)}", source
    )
