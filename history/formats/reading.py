"""Reads any history whose format is known, from a file, a folder or a text: the one place that does.

The format is named, or recognized from the content (`recognized`).
"""

from __future__ import annotations

import re
import stat
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from history.formats.builder import Events, RecordedHistory, Reinterpretation, settled
from history.formats.events import read_edn
from history.formats.jepsen_log import LOGGER, PLAIN, read_log
from history.formats.json_events import read_json
from history.formats.keyed import is_keyed, may_be_keyed, taken_apart
from history.formats.names import ACKPROOF, CSV, EDN, JSON, KEYED, LOG, PARQUET, PORCUPINE
from history.formats.tables import is_csv, is_own_parquet, read_csv, read_json_rows, read_parquet
from history.formats.transactions import TRANSACTION_FORMATS, read_transactions, recognized_transactions
from history.formats.transactions.reading import START_BYTES
from history.history import History, HistoryError
from history.stored.store import operations_of_lines, read_history

STANDARD_INPUT = "standard input"
COMMENTS = re.compile(r"\A(\s+|;[^\n]*(\n|\Z))+")
JSON_START = re.compile(r'(\[\s*)?\{\s*"|\[\s*\]')
EDN_START = re.compile(r"[\[({#]")
OWN = re.compile(r'\{"index":\d+,"time":\d+,"process":-?\d+,"type":"')
"""How each line of our own histories begins."""
IN_A_STORE = ("history.edn", "history.txt", "jepsen.log")
"""The files of a folder of Jepsen's that hold its history, the best first."""
MAGIC: Mapping[bytes, str] = {
    b"\x1f\x8b": "compressed with gzip: decompress it first",
    b"\x28\xb5\x2f\xfd": "compressed with zstd: decompress it first",
    b"\xfd7zXZ\x00": "compressed with xz: decompress it first",
    b"BZh": "compressed with bzip2: decompress it first",
    b"PK\x03\x04": "a zip archive: unpack it first",
    b"JEPSEN": "a binary file of Jepsen's (test.jepsen); its folder has the same history as history.edn",
    b"\xff\xfe": "text in UTF-16: save it as UTF-8",
    b"\xfe\xff": "text in UTF-16: save it as UTF-8",
}


def read(
    path: Path | None,
    text: str | None = None,
    *,
    format_: str | None = None,
    columns: Mapping[str, str] | None = None,
) -> RecordedHistory:
    """Read a file or a folder; or, where `path` is None, a text that came over standard input.

    Args:
        path: the file, or a folder of ours or of Jepsen's.
        text: what came over standard input.
        format_: a name of `FORMATS`; by default the format is recognized.
        columns: for tables, which column holds which field: {"process": "worker", "f": "op", ...}.

    Raises:
        HistoryError: the input cannot be read, breaks a history's rules, or is in no known format.
        FileNotFoundError: the file does not exist.
    """
    source = STANDARD_INPUT if path is None else str(path)
    transactions = format_ if format_ in TRANSACTION_FORMATS else None
    start = None if path is None else _start_of(path)
    if format_ is None and not columns:
        transactions = recognized_transactions(path, text, start)
    if transactions is not None:
        return read_transactions(transactions, path, text, source=source)
    if path is not None and start is None and path.is_dir():
        inside = next((path / name for name in IN_A_STORE if (path / name).is_file()), None)
        if inside is None or any((path / own).exists() for own in ("history.parquet", "history.jsonl")):
            if format_ not in (None, ACKPROOF):
                raise HistoryError(1, f"a folder is never in the format {format_}", source)
            return _whole(read_history(path), source)
        path, source, start = inside, str(inside), _start_of(inside)
    if path is not None:
        start = start or b""
        if start.startswith(b"PAR1"):
            return _parquet(path, source, format_, columns)
        if path.suffix == ".jsonl" and format_ in (None, ACKPROOF) and not columns and _is_own(start):
            return _whole(read_history(path), source)  # unlike a text, it may end in a line that a crash cut
        text = decoded(path.read_bytes(), source)
    text = text or ""
    if columns:
        return _table(text, source, format_, columns)
    if format_ is not None:
        return FORMATS[format_](text, source)
    name = recognized(text, source)
    return (
        understood(EVENTS[name](text, source), source, name)
        if name in EVENTS
        else FORMATS[name](text, source)
    )


def _start_of(path: Path) -> bytes | None:
    """The first bytes of a file; None for a folder, and for what can be read only once, such as a pipe.

    Raises:
        FileNotFoundError: the file does not exist.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        return None
    with path.open("rb") as file:
        return file.read(START_BYTES)


def _is_own(start: bytes) -> bool:
    return OWN.match(start[:200].decode("utf-8", "replace")) is not None


def _read_ackproof(text: str, source: str) -> RecordedHistory:
    return _whole(History(operations_of_lines(text.splitlines(), source), source=source), source)


def _read_plain_csv(text: str, source: str) -> Events:
    return read_csv(text, source, {})


EVENTS: Mapping[str, Callable[[str, str], Events]] = {
    EDN: read_edn,
    LOG: read_log,
    JSON: read_json,
    CSV: _read_plain_csv,
}
"""The reader of the events of each format of other tools."""


def _plain(read_events: Callable[[str, str], Events]) -> Callable[[str, str], RecordedHistory]:
    return lambda text, source: settled(read_events(text, source), source)


def _keyed(read_events: Callable[[str, str], Events]) -> Callable[[str, str], RecordedHistory]:
    return lambda text, source: settled(taken_apart(read_events(text, source), source), source)


def _read_transactions(name: str, text: str, source: str) -> RecordedHistory:
    return read_transactions(name, None, text, source=source)


FORMATS: Mapping[str, Callable[[str, str], RecordedHistory]] = {
    ACKPROOF: _read_ackproof,
    **{name: _plain(read_events) for name, read_events in EVENTS.items()},
    **{name + KEYED: _keyed(read_events) for name, read_events in EVENTS.items()},
    PORCUPINE: _plain(read_edn),
    **{name: partial(_read_transactions, name) for name in TRANSACTION_FORMATS},
}
"""The reader of each format, by its name: a function of (text, name of its source)."""


def _parquet(
    path: Path, source: str, format_: str | None, columns: Mapping[str, str] | None
) -> RecordedHistory:
    if format_ not in (None, ACKPROOF):
        raise HistoryError(1, f"a Parquet file is never in the format {format_}", source)
    if columns or not is_own_parquet(path):
        return understood(read_parquet(path, columns or {}), source, PARQUET)
    return _whole(read_history(path), source)


def _table(text: str, source: str, format_: str | None, columns: Mapping[str, str]) -> RecordedHistory:
    name = format_ or (JSON if text.lstrip()[:1] in ("{", "[") else CSV)
    if name.removesuffix(KEYED) not in (JSON, CSV):
        raise HistoryError(1, f"columns are for {JSON}, {CSV} and Parquet, not for {name}", source)
    read_rows = read_json_rows if name.startswith(JSON) else read_csv
    events = read_rows(text, source, columns)
    if name.endswith(KEYED):
        return settled(taken_apart(events, source), source)
    return settled(events, source) if format_ else understood(events, source, name)


def understood(events: Events, source: str, name: str) -> RecordedHistory:
    """A history whose values are `[key value]` if all are lists of two and some operation asks for `[key
    nil]`.

    If they may be, but nothing asks so, they are plain; the other way is kept for the case that it decides.

    Raises:
        HistoryError: as `settled`.
    """
    if not may_be_keyed(events):
        return settled(events, source)

    def plain() -> RecordedHistory:
        return settled(events, source)

    def keyed() -> RecordedHistory:
        return settled(taken_apart(events, source), source)

    named = f"--format {name}"
    if not is_keyed(events):
        stated = "each value was taken as a whole, not as [key value]"
        return replace(plain(), other=Reinterpretation(stated, named, f"{named}{KEYED}", keyed))
    try:
        recorded = keyed()
    except HistoryError:  # its keys break a rule, so they are none
        return plain()
    stated = "each value was taken as [key value], since some operations ask for [key nil]"
    return replace(recorded, other=Reinterpretation(stated, f"{named}{KEYED}", named, plain))


def decoded(content: bytes, source: str = STANDARD_INPUT) -> str:
    """The text of a file or of standard input.

    Raises:
        HistoryError: the bytes are not UTF-8; with the line.
    """
    for magic, what in MAGIC.items():
        if content.startswith(magic):
            raise HistoryError(1, f"the file is {what}", source)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as damage:
        line = content.count(b"\n", 0, damage.start) + 1
        raise HistoryError(line, f"not text in UTF-8: {damage.reason}", source) from damage
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _whole(history: History, source: str) -> RecordedHistory:
    """A history of our own, whose operations each stand on a line."""
    return RecordedHistory(history, range(1, len(history) + 1), source)


def recognized(text: str, source: str) -> str:
    """The name of the format of a text.

    Raises:
        HistoryError: it is empty, or in no format that is known.
    """
    start = COMMENTS.sub("", text[:1_000_000])[:4000]
    if not start:
        raise HistoryError(1, "the file is empty" if not text.strip() else "only comments", source)
    if OWN.match(start):
        return ACKPROOF
    if JSON_START.match(start):
        return JSON
    if EDN_START.match(start):
        return EDN
    if LOGGER in text or PLAIN.match(start.split("\n", 1)[0]):
        return LOG
    if is_csv(start):
        return CSV
    raise HistoryError(
        1, f"the format is not recognized; name it with --format: {', '.join(FORMATS)}", source
    )
