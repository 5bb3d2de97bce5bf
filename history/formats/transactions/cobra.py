"""Cobra's logs (OSDI 2020): a folder of binary files NAME.log, each the transactions of one session.

Numbers are big-endian and have 64 bits; a record is one of

    S transaction              the transaction begins
    W write key value          a write, which has a number that no other write has
    R transaction write key value    a read of that write; see `INITIAL` for a read that met none
    C transaction              it commits
    A transaction              it aborts

The number of a write is the value here: values repeat, and are hashes.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from history.formats.names import COBRA
from history.formats.transactions.log import TransactionLog
from history.formats.transactions.whole import WholeSteps, whole_log
from history.history import FAIL, INFO, OK, HistoryError
from history.kernels import AnyIntegers, compiled_in_place

INITIAL = (0xDEADBEEF, 0xBEBEEBEE)
"""The numbers that stand for no write: nothing was there, or what the data base held before the test."""
BEGIN, COMMIT, ABORT, WRITE, READ = b"SCAWR"
SHAPE = "the bytes are no record of Cobra's: S, W, R, C or A and numbers of 64 bits"
CUT = "the file ends within a record"
NOT_BEGUN = "a step or an end outside of a transaction, or a transaction in another"


class _Records(NamedTuple):
    writes: AnyIntegers
    keys: AnyIntegers
    values: AnyIntegers
    transactions: AnyIntegers
    """By step, the transaction that it belongs to."""
    outcomes: AnyIntegers
    """By transaction."""
    places: AnyIntegers
    """By transaction the byte where it begins."""
    totals: AnyIntegers
    """The numbers of steps and transactions."""


@compiled_in_place
def big_endian(content: AnyIntegers, at: int) -> int:
    """The signed number of 64 bits there."""
    high = int(content[at])
    number = high - 256 if high >= 128 else high
    for place in range(at + 1, at + 8):
        number = number * 256 + int(content[place])
    return number


@compiled_in_place
def _scan(content: AnyIntegers, records: _Records) -> tuple[int, int]:
    """Read all records; (0, 0), or (what is wrong, at which byte): 1 no record, 2 cut, 3 out of place."""
    writes, keys, values, transactions, outcomes, places, totals = records
    at = steps = known = 0
    pending = False
    own = 0
    while at < len(content):
        kind = content[at]
        length = 25 if kind == WRITE else 33 if kind == READ else 9
        if kind != BEGIN and kind != COMMIT and kind != ABORT and kind != WRITE and kind != READ:
            return 1, at
        if at + length > len(content):
            return 2, at
        if (kind == BEGIN) == pending:
            return 3, at
        if kind == BEGIN:
            pending = True
            own = big_endian(content, at + 1)
            outcomes[known] = INFO
            places[known] = at
            known += 1
        elif kind in (COMMIT, ABORT):
            if big_endian(content, at + 1) != own:
                return 3, at
            pending = False
            outcomes[known - 1] = OK if kind == COMMIT else FAIL
        else:
            start = at + 1 if kind == WRITE else at + 9
            writes[steps] = kind == WRITE
            values[steps] = big_endian(content, start)
            keys[steps] = big_endian(content, start + 8)
            transactions[steps] = known - 1
            steps += 1
        at += length
    totals[0] = steps
    totals[1] = known
    return 0, 0


def is_cobra(folder: Path) -> bool:
    """Whether the folder holds logs that begin as Cobra's do."""
    for path in folder.glob("*.log"):
        if path.is_file():
            with path.open("rb") as file:
                start = file.read(10)
            if start:
                return len(start) == 10 and start[0] == BEGIN and start[9] in (COMMIT, ABORT, WRITE, READ)
    return False


def read_cobra(path: Path, source: str) -> TransactionLog:
    """Read a folder of logs, or one log.

    Raises:
        HistoryError: a log breaks the format, or there is no transaction; with the byte.
    """
    files = sorted(path.glob("*.log")) if path.is_dir() else [path]
    parts = [_session(file.read_bytes(), str(file)) for file in files if file.is_file()]
    sizes = [len(outcomes) for outcomes, _, _ in parts]
    if not sum(sizes):
        raise HistoryError(1, "there is no transaction in any .log file", source)
    starts = np.cumsum([0, *sizes[:-1]])
    steps = [step for _, _, step in parts]
    values = np.concatenate([step.value for step in steps])
    writes = np.concatenate([step.writes for step in steps])
    return whole_log(
        WholeSteps(
            writes,
            np.concatenate([step.key for step in steps]),
            np.where(np.isin(values, INITIAL) & (writes == 0), 0, values),
            np.concatenate([step.transaction + start for step, start in zip(steps, starts, strict=True)]),
        ),
        session=np.repeat(np.arange(len(parts)), sizes),
        outcome=np.concatenate([outcomes for outcomes, _, _ in parts]),
        line=np.concatenate([places for _, places, _ in parts]),
        format_name=COBRA,
        initial_in_words="what no write of the log wrote",
    )


def _session(content: bytes, source: str) -> tuple[AnyIntegers, AnyIntegers, WholeSteps]:
    """(outcomes, places, steps) of one log."""
    most, begun = len(content) // 25 + 1, len(content) // 9 + 1
    records = _Records(
        np.zeros(most, dtype=np.int8),
        np.zeros(most, dtype=np.int64),
        np.zeros(most, dtype=np.int64),
        np.zeros(most, dtype=np.int32),
        np.zeros(begun, dtype=np.int8),
        np.zeros(begun, dtype=np.int64),
        np.zeros(2, dtype=np.int64),
    )
    wrong, at = _scan.by_size(np.frombuffer(content, dtype=np.uint8), records)
    if wrong:
        rule = (SHAPE, CUT, NOT_BEGUN)[wrong - 1]
        raise HistoryError(1, f"{rule} (at byte {at})", source)
    steps, known = records.totals.tolist()
    return records.outcomes[:known], records.places[:known], WholeSteps(*(c[:steps] for c in records[:4]))
