"""Registers that are written unique values: a read shows which write it saw, but not what was there before.

Elle, section 4.3. The order of a key's versions is pieced together from what must hold:

- the initial version, nothing, comes before every other;
- a transaction that read v and then wrote w saw v first: were w before v, reading v would be part of a
  cycle without anti-dependencies (G1c). So a dependency derived from this counts as a read's, not a write's;
- if the level asks for it, the order in which each process met versions, and the order in real time: all that
  completed upon v before any transaction began upon w. Were w before v, there would be a cycle in which one
  transaction missed another's write (G-single), so what is derived from this counts from there on.

This is sound and not complete: two writes that no read saw may stay without an order. What it finds has a
name and a small cycle; whether some order of all writes explains every read is decided by `solver`.

A value may be written to a key more than once if that is assumed. Then only reads whose write is certain
count here.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
import numpy as np

from checkers.limits import MOST_CASES
from checkers.linearizability.answer import NEVER
from checkers.transactions.assumed import NOTHING_ASSUMED, Assumed
from checkers.transactions.graph import follow
from checkers.transactions.reading import (
    Anomalies,
    Case,
    Reading,
    Shape,
    VersionOrders,
    committed,
    final_versions,
    internal_cases,
    lost_updates,
    shape,
    writers,
)
from checkers.transactions.transactions import Integers, Mask, Transactions
from checkers.verdict import IllegalOperation
from history.history import FAIL, OK

WRITE_READ, ONE_MISSED = 1, 2
"""Classes of anomalies (see `cycles`) from which on a derived order counts."""


class Registers(NamedTuple):
    """A history's registers: what is certain of their versions, and what a search for an order needs."""

    reading: Reading
    form: Shape
    is_initial: Mask
    """By version whether it is also what its key held before any write; the last one is that of nothing."""
    foreign: Any
    """The one value that all reads show which show what no transaction wrote; None if there is not just one.
    """


class _Authors(NamedTuple):
    """By read from outside its transaction: what wrote the value that it saw."""

    author: Integers
    """A transaction to name; -1 for none."""
    garbage: Mask
    own: Mask
    """Only the reader itself wrote that value, and did so later."""
    failed: Mask
    overwritten: Mask
    """Only writes that their own transactions then overwrote had that value."""
    certain: Mask
    """Exactly one write may have been seen (or the initial version), and it is known which."""


def read_registers(txns: Transactions, level: int, assumed: Assumed = NOTHING_ASSUMED) -> Registers:
    """The versions of a history of writes; `level` as in `VersionOrders`.

    Raises:
        IllegalOperation: without duplicates, a transaction writes the initial value.
    """
    found = Anomalies()
    form = shape(txns)
    internal_cases(found, txns, form)
    external = form.external(txns)
    saw = txns.version[external].astype(np.int64)
    initial_versions = versions_of(txns, assumed.initial)
    if not assumed.duplicates:
        refuse_written_again(txns, initial_versions)
    is_initial = np.zeros(txns.versions + 1, dtype=bool)
    is_initial[initial_versions if assumed.initial is not None else -1] = True
    initial = is_initial[saw]
    if assumed.duplicates:
        writer, last, authors = _several_authors(txns, form, external, saw, initial)
    else:
        writer, last, authors = _single_authors(txns, form, external, saw, initial)
    _bad_reads(found, txns, external, authors)
    foreign = one_value(txns, external[authors.garbage])
    saw = np.where(initial, txns.versions + txns.key[external], saw)
    done = committed(txns, writer, saw[authors.certain | (authors.overwritten & ~initial)])
    external, saw = external[authors.certain], saw[authors.certain]
    installed = final_versions(txns, form, done)
    installed[: txns.versions] &= last
    lost_updates(found, txns, form, installed, external, saw)
    orders = [*_read_then_written(txns, form, installed, external, saw)]
    touched = _touches(txns, form, installed, external, saw)
    if level >= 1:
        orders.append(_by_process(txns, *touched))
    if level >= 2:
        orders.append(_in_real_time(txns, touched[0], touched[2]))
    reading = Reading(txns, writer, installed, saw, txns.of[external], tuple(orders), found)
    return Registers(reading, form, is_initial, foreign)


def versions_of(txns: Transactions, value: Any) -> Integers:
    """The versions that have this value, one for each key; none for None."""
    begins, ends = txns.version_tokens.begins, txns.version_tokens.ends
    token = msgspec.json.encode(value)
    found = np.flatnonzero(ends - begins == len(token)) if value is not None else np.zeros(0, dtype=np.int64)
    for place, byte in enumerate(token):
        found = found[txns.text[begins[found] + place] == byte]
    return found


def one_value(txns: Transactions, reads: Integers) -> Any:
    """The value that all of these reads show; None if it is not one, or none."""
    if not len(reads) or (txns.version[reads] < 0).any():
        return None
    value = txns.step_value(int(reads[0]))
    return value if np.isin(txns.version[reads], versions_of(txns, value)).all() else None


def refuse_written_again(txns: Transactions, initial_versions: Integers) -> None:
    """Refuse a write of the initial value: a read of it would not show what it saw."""
    steps = np.flatnonzero(txns.writes & np.isin(txns.version, initial_versions))
    if len(steps):
        step = int(steps[0])
        raise IllegalOperation(
            int(txns.invoked[txns.of[step]]),
            f"{txns.step_value(step)!r}, the initial value, is written to {txns.key_of(step)!r}; a read does "
            "not show which of the two it saw; --option duplicates=true searches for that",
        )


def _single_authors(
    txns: Transactions, form: Shape, reads: Integers, saw: Integers, initial: Mask
) -> tuple[Integers, Mask, _Authors]:
    """By version its writer, and whether that wrote it last; by read its author. No value is doubled."""
    writer = writers(txns)
    author = np.where(initial | (saw < 0), -1, writer[saw])
    last = np.zeros(txns.versions + 1, dtype=bool)
    last[txns.version[form.final]] = True
    own = (author >= 0) & (author == txns.of[reads])
    failed = (author >= 0) & ~own & (txns.outcome[author] == FAIL)
    overwritten = (author >= 0) & ~own & ~failed & ~last[saw]
    garbage = (author < 0) & ~initial
    certain = ~(garbage | own | failed | overwritten)
    return writer, last[:-1], _Authors(author, garbage, own, failed, overwritten, certain)


def _several_authors(
    txns: Transactions, form: Shape, reads: Integers, saw: Integers, initial: Mask
) -> tuple[Integers, Mask, _Authors]:
    """The same where values may be doubled: a version is certain where one last write has its value."""
    reader = txns.of[reads]
    steps = np.flatnonzero(txns.writes)
    alive = txns.outcome[txns.of] != FAIL
    any_author, written = _others(txns, steps, saw, reader)
    alive_author, succeeded = _others(txns, steps[alive[steps]], saw, reader)
    finals = np.flatnonzero(form.final & alive)
    author, candidates = _others(txns, finals, saw, reader)
    known = saw >= 0
    ever = np.zeros(txns.versions + 1, dtype=bool)
    ever[txns.version[steps]] = True
    garbage = ~initial & ~(known & ever[saw])
    own = ~initial & ~garbage & (written == 0)
    failed = ~initial & (written > 0) & (succeeded == 0)
    overwritten = ~initial & (succeeded > 0) & (candidates == 0)
    certain = np.where(initial, candidates == 0, candidates == 1)
    count = np.bincount(txns.version[finals], minlength=txns.versions)
    writer = np.full(txns.versions + txns.keys, -1, dtype=np.int64)
    writer[txns.version[finals]] = txns.of[finals]
    writer[: txns.versions][count != 1] = -1
    # A read's own transaction may have written the same value again: then the version is not one write's.
    certain &= initial | ((author >= 0) & (writer[saw] == author))
    named = np.where(author >= 0, author, np.where(alive_author >= 0, alive_author, any_author))
    return writer, count == 1, _Authors(named, garbage, own, failed, overwritten, certain)


def _others(
    txns: Transactions, writes: Integers, saw: Integers, reader: Integers
) -> tuple[Integers, Integers]:
    """By read another transaction that wrote its version (-1: none), and how many there are."""
    total = len(txns)
    pairs = np.unique(txns.version[writes].astype(np.int64) * total + txns.of[writes])
    low, high = np.searchsorted(pairs, saw * total), np.searchsorted(pairs, (saw + 1) * total)
    own = np.searchsorted(pairs, saw * total + reader)
    padded = np.append(pairs, -1)
    is_own = (own < high) & (padded[own] == saw * total + reader) & (saw >= 0)
    count = np.where(saw >= 0, high - low, 0) - is_own
    place = low + (is_own & (own == low))
    return np.where(count > 0, padded[np.minimum(place, len(pairs))] % max(1, total), -1), count


def _bad_reads(found: Anomalies, txns: Transactions, reads: Integers, authors: _Authors) -> None:
    """Note reads of values never written, of failed, intermediate or later writes of the same transaction."""
    kinds = (
        ("garbage-read", authors.garbage, "which no transaction ever wrote there"),
        ("G1a", authors.failed, "which {author} wrote, and that one failed"),
        ("G1b", authors.overwritten, "which {author} itself then overwrote"),
        ("internal", authors.own, "before its own step wrote it"),
    )
    for name, mask, words in kinds:
        hits = np.flatnonzero(mask)
        cases = []
        for place in hits[:MOST_CASES].tolist():
            read, by = int(reads[place]), int(authors.author[place])
            reason = words.format(author=txns.called(by)) if by >= 0 else words
            value = txns.step_value(read)
            shown = f"{'nothing' if value is None else repr(value)} in {txns.key_of(read)!r}"
            who = tuple(dict.fromkeys(t for t in (by, int(txns.of[read])) if t >= 0))
            cases.append(Case(f"{txns.who(read)} read {shown}, {reason}.", who))
        found.add(name, len(hits), cases)


def _read_then_written(
    txns: Transactions, form: Shape, installed: Mask, external: Integers, saw: Integers
) -> tuple[VersionOrders, VersionOrders]:
    """What a transaction read before what it wrote; the initial version before what has no other before."""
    seen = np.full(len(txns.of), -1, dtype=np.int64)
    seen[external] = saw
    writes = np.flatnonzero(form.final)
    writes = writes[installed[txns.version[writes]]]
    base = seen[form.opening[writes]]
    after = txns.version[writes]
    known = (base >= 0) & (base < txns.versions)
    first = ~known
    return (
        VersionOrders(base[known], after[known], level=0, at_least=WRITE_READ),
        VersionOrders(txns.versions + txns.key[writes[first]], after[first], level=0, at_least=WRITE_READ),
    )


def _touches(
    txns: Transactions, form: Shape, installed: Mask, external: Integers, saw: Integers
) -> tuple[Integers, Integers, Integers]:
    """(transaction, key, version) of every read and write from outside its transaction, in no order."""
    # Another transaction, which failed, may have asked to write the value of an installed version, too.
    writes = np.flatnonzero(form.final & (txns.outcome[txns.of] != FAIL))
    writes = writes[installed[txns.version[writes]]]
    steps = np.concatenate([external, writes])
    return txns.of[steps], txns.key[steps], np.concatenate([saw, txns.version[writes]])


def _by_process(txns: Transactions, txn: Integers, key: Integers, version: Integers) -> VersionOrders:
    """A process met one version of a key, and later another. What has no reply may take effect later."""
    answered = txns.outcome[txn] == OK
    txn, key, version = txn[answered], key[answered], version[answered]
    written = np.zeros(len(txn), dtype=bool)
    written[:] = version < txns.versions  # of one transaction what it read comes before what it wrote
    order = np.lexsort((written, txn, key, txns.process[txn]))
    txn, key, version = txn[order], key[order], version[order]
    process = txns.process[txn]
    then = (key[1:] == key[:-1]) & (process[1:] == process[:-1])
    then &= (version[1:] != version[:-1]) & (txn[1:] != txn[:-1]) & (version[1:] < txns.versions)
    at = np.flatnonzero(then)
    return VersionOrders(version[at], version[at + 1], level=1, at_least=ONE_MISSED)


def _in_real_time(txns: Transactions, txn: Integers, version: Integers) -> VersionOrders:
    """Version v before w where the first that met v had completed before the last that met w began.

    Of all that must come after v only those are paired with it that no other of them must precede: the
    rest follows from those.
    """
    total = txns.versions + txns.keys
    first_end = np.full(total, NEVER, dtype=np.int64)
    last_begin = np.full(total, -1, dtype=np.int64)
    np.minimum.at(first_end, version, txns.completed[txn])
    np.maximum.at(last_begin, version, txns.invoked[txn])
    met = np.flatnonzero(last_begin[: txns.versions] >= 0)
    met = met[np.lexsort((last_begin[met], txns.version_key[met]))]
    keys = txns.version_key[met]
    starts = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1], [True]])) if len(met) else met
    room = 4 * len(met) + 64
    while True:
        before, after = np.zeros(room, dtype=np.int64), np.zeros(room, dtype=np.int64)
        pairs = int(follow.successors.by_size(starts, first_end[met], last_begin[met], before, after))
        if pairs <= room:
            break
        room = pairs
    return VersionOrders(met[before[:pairs]], met[after[:pairs]], level=2, at_least=ONE_MISSED)
