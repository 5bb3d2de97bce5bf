"""A history's transactions as arrays: what each step read or wrote, and how each transaction ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from checkers.linearizability.answer import NEVER
from checkers.transactions.graph import scan
from checkers.transactions.graph.scan import READ, WRITE, Steps, Tokens
from checkers.verdict import IllegalOperation
from history import History
from history.formats.transactions import TransactionHistory
from history.history import INFO, INVOKE, OK, wide
from history.values import decoded

Integers = npt.NDArray[Any]
"""Whole numbers, of 32 bits where these will do."""
Mask = npt.NDArray[np.bool_]
Number = int | np.integer[Any]
TXN = "txn"
NULL = b"null"
F_NAMES = ("append", "r", "w")


@dataclass(frozen=True)
class Transactions:
    """n transactions in order of invocation, with m steps in order; `first[t]` is the first of t's.

    The steps of a completed transaction are those of its completion, of any other those of its invocation.
    """

    invoked: Integers
    """Index of the invocation in the history."""
    completed: Integers
    """Index of the `ok` completion in the history; `NEVER` if there is none."""
    process: Integers
    outcome: Integers
    """`OK`, `FAIL` or `INFO`, the last also where the history ends first."""
    first: Integers
    """n + 1 places among the steps."""
    of: Integers
    """By step its transaction."""
    f: Integers
    """`APPEND`, `READ` or `WRITE`."""
    key: Integers
    version: Integers
    """The version that was written (or, of a register, read); -1 for nothing, or for a list."""
    begin: Integers
    end: Integers
    """The stretch of `text` that holds the value."""
    count: Integers
    """The length of the list that was read; 0 for nothing, -1 if it is not known or no list."""
    text: Any
    key_spans: tuple[Integers, Integers]
    version_tokens: Tokens
    """Finds a version's number, and by version its key and where it lies in `text`."""
    lists: bool

    def __len__(self) -> int:
        return len(self.invoked)

    @property
    def keys(self) -> int:
        """How many different keys there are."""
        return len(self.key_spans[0])

    @property
    def versions(self) -> int:
        """How many different values keys had; of registers, also values that were only read."""
        return len(self.version_key)

    @property
    def version_key(self) -> Integers:
        """By version its key."""
        return self.version_tokens.keys

    @cached_property
    def steps(self) -> Steps:
        """The steps as the kernels take them."""
        return Steps(self.f, self.key, self.version, self.begin, self.end, self.count)

    @cached_property
    def writes(self) -> Mask:
        """By step, whether it writes."""
        return np.asarray(self.f != READ)

    @cached_property
    def ok_reads(self) -> Mask:
        """By step, whether it is a read with a reply."""
        return np.asarray((self.f == READ) & (self.outcome[self.of] == OK))

    def sessions(self, some: Integers) -> tuple[Integers, Integers]:
        """Pairs of these transactions: the last one with a reply before each of its process, and that one.

        What has no reply may take effect later, so nothing need come after it.
        """
        if not len(some):
            return some, some
        order = some[np.lexsort((self.invoked[some], self.process[some]))]
        answered = np.where(self.outcome[order] == OK, np.arange(len(order)), -1)
        last = np.concatenate([[-1], np.maximum.accumulate(answered)[:-1]]).astype(np.int64)
        process = self.process[order]
        at = np.flatnonzero((last >= 0) & (process[last] == process))
        return order[last[at]], order[at]

    def decoded(self, begin: int, end: int) -> Any:
        """The value in that stretch of the text."""
        return decoded(bytes(self.text[begin:end]).decode())

    def key_name(self, key: Number) -> Any:
        """The name of a key in the history."""
        return self.decoded(int(self.key_spans[0][key]), int(self.key_spans[1][key]))

    def key_of(self, step: Number) -> Any:
        """The name of the key of a step."""
        return self.key_name(self.key[step])

    def value(self, version: Number) -> Any:
        """The value that was written as a version."""
        return self.decoded(int(self.version_tokens.begins[version]), int(self.version_tokens.ends[version]))

    def step_value(self, step: Number) -> Any:
        """The value that a step wrote or read."""
        return self.decoded(int(self.begin[step]), int(self.end[step]))

    def called(self, txn: Number) -> str:
        """The name of a transaction in evidence."""
        return f"operation {int(self.invoked[txn])}"

    def who(self, step: Number) -> str:
        """The name in evidence of a step's transaction."""
        return self.called(self.of[step])


def transactions(history: History, *, lists: bool, duplicates: bool = False) -> Transactions:
    """Read a history of `txn` operations; `lists` are what they append to, else they write registers.

    With `duplicates`, a key may be written the same value more than once.

    Raises:
        IllegalOperation: an operation is no `txn`, or its value breaks the grammar; or a completion
            has other steps than its invocation, or a value is written to one key twice.
    """
    if isinstance(history, TransactionHistory):
        return _of_log(history, lists, duplicates)
    columns = history.columns
    client = columns.process >= 0
    strange = np.flatnonzero(client & (columns.f != columns.f_code(TXN)))
    if len(strange):
        name = columns.f_names[int(columns.f[strange[0]])]
        raise IllegalOperation(int(strange[0]), f"unknown f {name!r}; a history of transactions has txn")
    invoked = np.flatnonzero(client & (columns.type == INVOKE))
    other = history.pairs[invoked]
    outcome = np.where(other >= 0, columns.type[other], INFO).astype(np.int64)
    done = np.flatnonzero(outcome == OK)
    # The invocations' texts first, then those of the completions that are `ok`.
    rows = np.concatenate([invoked, other[done]])
    found = _scanned([columns.values[c] if c >= 0 else "null" for c in columns.value[rows].tolist()], lists)
    if isinstance(found, tuple):
        raise IllegalOperation(int(rows[found[0]]), found[1])
    asked = found.steps_from[: len(invoked) + 1]
    _same_steps(found, len(invoked), done, rows)
    # Where there is a completion its steps count.
    source = np.arange(len(invoked))
    source[done] = len(invoked) + np.arange(len(done))
    lengths = np.diff(asked)
    first = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    of = np.repeat(np.arange(len(invoked), dtype=np.int32), lengths)
    steps = np.arange(first[-1]) + np.repeat(found.steps_from[source] - first[:-1], lengths)
    count = found.steps.counts[steps]
    if lists:
        nothing = (found.steps.fs[steps] == READ) & (outcome[of] == OK) & (count < 0)
        count[nothing] = 0
    txns = Transactions(
        invoked=invoked,
        completed=np.where(outcome == OK, other, NEVER),
        process=wide(columns.process[invoked]),
        outcome=outcome,
        first=first,
        of=of,
        f=found.steps.fs[steps],
        key=found.steps.keys[steps],
        version=found.steps.versions[steps],
        begin=found.steps.begins[steps],
        end=found.steps.ends[steps],
        count=count,
        text=found.text,
        key_spans=found.key_spans,
        version_tokens=found.versions,
        lists=lists,
    )
    if not duplicates:
        _written_once(txns)
    return txns


def _of_log(history: TransactionHistory, lists: bool, duplicates: bool) -> Transactions:
    """The transactions of a file that was read as arrays."""
    log, names = history.log, history.log.names
    if lists:
        raise IllegalOperation(0, f"a file in the format {log.format_name} holds registers, not lists")
    version = np.asarray(log.version)
    # A read of the initial value shows no version; its text is that of null, which follows the others.
    begin = np.append(names.version_begin, len(names.text))[version]
    end = np.append(names.version_end, len(names.text) + len(NULL))[version]
    txns = Transactions(
        invoked=2 * np.arange(len(log)),
        completed=np.where(log.outcome == OK, 2 * np.arange(len(log)) + 1, NEVER),
        process=log.session,
        outcome=log.outcome,
        first=log.first,
        of=np.repeat(np.arange(len(log), dtype=np.int32), np.diff(log.first)),
        f=np.where(log.writes, WRITE, READ),
        key=log.key,
        version=version,
        begin=begin,
        end=end,
        count=np.full(len(version), -1),
        text=np.frombuffer(names.text + NULL, dtype=np.uint8),
        key_spans=(names.key_begin, names.key_end),
        version_tokens=Tokens(
            np.zeros(1, dtype=np.int32), names.version_key, names.version_begin, names.version_end
        ),
        lists=False,
    )
    if not duplicates:
        _written_once(txns)
    return txns


def _same_steps(found: _Scanned, invocations: int, done: Integers, rows: Integers) -> None:
    """Refuse a completion whose steps are not those of its invocation."""
    asked, answered = found.steps_from[:-1][done], found.steps_from[invocations:-1]
    lengths = np.diff(found.steps_from)[done]
    differ = np.flatnonzero(lengths != np.diff(found.steps_from)[invocations:])
    if not len(differ):
        offset = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        a, b = np.repeat(asked, lengths) + offset, np.repeat(answered, lengths) + offset
        fs, keys, versions = found.steps[:3]
        same = (fs[a] == fs[b]) & (keys[a] == keys[b])
        same &= (fs[a] == READ) | (versions[a] == versions[b])
        differ = np.repeat(np.arange(len(done)), lengths)[~same]
    if len(differ):
        raise IllegalOperation(
            int(rows[invocations + differ[0]]), "a completion whose steps are not its invocation's"
        )


def written_again(txns: Transactions) -> tuple[int, int] | None:
    """The first step that writes a value a second time to its key, and the first that wrote it."""
    steps = np.flatnonzero(txns.writes)
    written = txns.version[steps]
    first = np.full(txns.versions, -1, dtype=np.int64)
    first[written[::-1]] = steps[::-1]
    again = np.flatnonzero(first[written] != steps)
    return (int(steps[again[0]]), int(first[written[again[0]]])) if len(again) else None


def _written_once(txns: Transactions) -> None:
    """Refuse a value that is written to one key twice: a read must show which transaction wrote it."""
    again = written_again(txns)
    if again is not None:
        step, first = again
        raise IllegalOperation(
            int(txns.invoked[txns.of[step]]),
            f"{txns.value(txns.version[step])!r} is written to {txns.key_of(step)!r} a second time, "
            f"after {txns.who(first)}; "
            "each value of a key may be written only once, so that a read shows which transaction wrote it"
            + ("" if txns.lists else "; --option duplicates=true searches for the write that each read saw"),
        )


@dataclass(frozen=True)
class _Scanned:
    text: Any
    steps_from: Integers
    """One more than there are texts: the steps of text d are those from steps_from[d] on."""
    steps: Steps
    key_spans: tuple[Integers, Integers]
    versions: Tokens


def _rules(lists: bool) -> dict[int, str]:
    written = "append" if lists else "w"
    return {
        scan.NOT_STEPS: f"a txn's value is a list of [f, key, value], f {written} or r",
        scan.NOT_AN_F: f"the f of a step is {written} or r",
        scan.NOT_A_KEY: "the key of a step is a number or a text",
        scan.NOT_A_VALUE: f"the value of {written} is a number or a text, and of r "
        + ("a list of these" if lists else "one too")
        + ", or nothing",
        scan.NOT_A_LIST: "what r reads is a list of numbers or texts, or nothing",
    }


def _scanned(texts: Sequence[str], lists: bool) -> _Scanned | tuple[int, str]:
    """All texts as steps; or the first text that breaks the grammar, and the rule that it breaks."""
    for canonical in (False, True):
        joined = "".join(texts)
        lengths = np.fromiter(
            map(len, texts) if joined.isascii() else (len(t.encode()) for t in texts), np.int64, len(texts)
        )
        raw = joined.encode()
        del joined
        starts = np.concatenate([[0], np.cumsum(lengths)])
        text = np.frombuffer(raw, dtype=np.uint8)
        room = raw.count(b"[") + 1
        written = raw.count(b'"append"') + 1 if lists else room
        # Half the memory where positions are small, which they are below two gigabytes.
        width = np.int32 if len(raw) < np.iinfo(np.int32).max else np.int64

        def zeros(length: int, width: Any = width) -> Integers:
            return np.zeros(length, dtype=width)

        def tokens(count: int) -> Tokens:
            return Tokens(zeros(1 << (3 * count // 2).bit_length()), *(zeros(count) for _ in range(3)))

        steps = Steps(zeros(room, np.int8), *(zeros(room) for _ in range(5)))
        keys, versions = tokens(room), tokens(written)
        steps_from, totals = zeros(len(texts) + 1), zeros(3)
        wrong = int(scan.scan.by_size(text, starts, int(lists), steps_from, steps, keys, versions, totals))
        if wrong == scan.FINE:
            total, key_count, version_count = totals.tolist()
            return _Scanned(
                text,
                steps_from,
                Steps(*(array[:total] for array in steps)),
                key_spans=(keys.begins[:key_count].copy(), keys.ends[:key_count].copy()),
                versions=Tokens(versions.slots, *(array[:version_count] for array in versions[1:])),
            )
        document, rule = wrong >> 4, wrong & 15
        if canonical:
            break
        try:  # blanks, say: once more, as our own writer puts it
            texts = [msgspec.json.encode(msgspec.json.decode(text)).decode() for text in texts]
        except msgspec.DecodeError:
            break
    shown = texts[document] if len(texts[document]) < 80 else f"{texts[document][:77]}..."
    return document, f"{_rules(lists).get(rule, 'not JSON')}: {shown}"
