"""Registers that are written unique values: a read shows which write it saw, but not what was there before.

Elle, section 4.3. The order of a key's versions is pieced together from what must hold:

- the initial version, nothing, comes before every other;
- a transaction that read v and then wrote w saw v first: were w before v, reading v would be part of a
  cycle without anti-dependencies (G1c). So a dependency derived from this counts as a read's, not a write's;
- if the level asks for it, the order in which each process met versions, and the order in real time: all that
  completed upon v before any transaction began upon w. Were w before v, there would be a cycle in which one
  transaction missed another's write (G-single), so what is derived from this counts from there on.

This is sound and not complete: two writes that no read saw may stay without an order.
"""

from __future__ import annotations

import numpy as np

from checkers.limits import MOST_CASES
from checkers.linearizability.answer import NEVER
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
from history.history import FAIL

WRITE_READ, ONE_MISSED = 1, 2
"""Classes of anomalies (see `cycles`) from which on a derived order counts."""


def read_registers(txns: Transactions, level: int) -> Reading:
    """The versions of a history of writes; `level` as in `VersionOrders`."""
    found = Anomalies()
    form = shape(txns)
    internal_cases(found, txns, form)
    writer = writers(txns)
    version = np.where(txns.version >= 0, txns.version, txns.versions + txns.key)
    done = committed(txns, writer, version[txns.ok_reads])
    installed = final_versions(txns, form, done)
    external = form.external(txns)
    saw = version[external]
    author = writer[saw]
    initial = saw >= txns.versions
    _bad_reads(found, txns, form, external, saw, author, initial, done)
    good = initial | ((author >= 0) & installed[saw] & (author != txns.of[external]))
    external, saw = external[good], saw[good]
    lost_updates(found, txns, form, installed, external, saw)
    orders = [*_read_then_written(txns, form, installed, external, saw)]
    touched = _touches(txns, form, installed, external, saw)
    if level >= 1:
        orders.append(_by_process(txns, *touched))
    if level >= 2:
        orders.append(_in_real_time(txns, touched[0], touched[2]))
    return Reading(txns, writer, installed, saw, txns.of[external], tuple(orders), found)


def _bad_reads(
    found: Anomalies,
    txns: Transactions,
    form: Shape,
    reads: Integers,
    saw: Integers,
    author: Integers,
    initial: Mask,
    done: Mask,
) -> None:
    """Find reads of values never written, of failed, intermediate or later writes of the same transaction."""
    last = np.zeros(txns.versions + txns.keys, dtype=bool)
    last[txns.version[form.final]] = True
    own = (author == txns.of[reads]) & ~initial
    failed = (author >= 0) & (txns.outcome[author] == FAIL)
    kinds = (
        ("garbage-read", (author < 0) & ~initial, "which no transaction ever wrote there"),
        ("G1a", failed & ~own, "which {author} wrote, and that one failed"),
        (
            "G1b",
            (author >= 0) & ~failed & ~own & ~last[saw] & done[author],
            "which {author} itself then overwrote",
        ),
        ("internal", own, "before its own step wrote it"),
    )
    for name, mask, words in kinds:
        hits = np.flatnonzero(mask)
        cases = []
        for place in hits[:MOST_CASES].tolist():
            read, by = int(reads[place]), int(author[place])
            reason = words.format(author=txns.called(by)) if by >= 0 else words
            shown = f"{txns.step_value(read)!r} in {txns.key_of(read)!r}"
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
    writes = np.flatnonzero(form.final)
    writes = writes[installed[txns.version[writes]]]
    steps = np.concatenate([external, writes])
    return txns.of[steps], txns.key[steps], np.concatenate([saw, txns.version[writes]])


def _by_process(txns: Transactions, txn: Integers, key: Integers, version: Integers) -> VersionOrders:
    """A process met one version of a key, and later another."""
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
