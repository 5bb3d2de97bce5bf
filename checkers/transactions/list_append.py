"""Lists that grow by unique appends: a read shows every version before it, so versions have a known order.

Elle, section 4.2: the longest read of a key is the order of its versions, every other read must be a
beginning of it, and each element names the transaction that appended it. Elements that no read shows come
after all that some read shows, in an order that stays unknown.
"""

from __future__ import annotations

import numpy as np

from checkers.limits import MOST_CASES
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


def read_lists(txns: Transactions) -> Reading:
    """The versions of a history of appends."""
    found = Anomalies()
    form = shape(txns)
    internal_cases(found, txns, form)
    writer = writers(txns)
    reads = np.flatnonzero(txns.ok_reads)
    longest = np.full(txns.keys, -1, dtype=np.int64)
    agrees = np.zeros(len(reads), dtype=np.int64)
    trunk_from = np.zeros(txns.keys + 1, dtype=np.int64)
    trunks = follow.Trunks(longest, trunk_from)
    total = follow.follow.by_size(txns.text, reads, txns.steps, trunks, agrees)
    trunk = np.zeros(int(total), dtype=np.int64)
    follow.elements.by_size(txns.text, trunks, txns.steps, txns.version_tokens, trunk)
    agreeing = agrees == 1
    _incompatible(found, txns, reads[~agreeing], longest)
    position, cut = _positions(found, txns, trunk, trunk_from, longest)
    done = committed(txns, writer, trunk[trunk >= 0])
    _aborted(found, txns, reads[agreeing], trunk, trunk_from, writer, done)
    _dirty_updates(found, txns, trunk, trunk_from, writer, done)

    installed = final_versions(txns, form, done)
    external = form.external(txns)
    usable = np.zeros(len(txns.of), dtype=bool)
    usable[reads[agreeing]] = True
    external = external[usable[external]]
    external = external[txns.count[external] <= cut[txns.key[external]]]
    saw = _seen(txns, external, trunk, trunk_from)
    known = saw >= 0  # and not a value that no transaction appended
    external, saw = external[known], saw[known]
    own = writer[saw] == txns.of[external]
    _intermediate(found, txns, form, external[~own], saw[~own], writer, done)
    _future(found, txns, form, position)
    good = ~own & (installed[saw] | (saw >= txns.versions))
    external, saw = external[good], saw[good]
    lost_updates(found, txns, form, installed, external, saw)
    orders = _orders(txns, trunk, trunk_from, cut, installed, position)
    return Reading(txns, writer, installed, saw, txns.of[external], orders, found)


def _positions(
    found: Anomalies, txns: Transactions, trunk: Integers, trunk_from: Integers, longest: Integers
) -> tuple[Integers, Integers]:
    """By version its place among its key's (-1: never read), and by key how far these are without doubles."""
    position = np.full(txns.versions, -1, dtype=np.int64)
    keys = np.repeat(np.arange(txns.keys), np.diff(trunk_from))
    places = np.arange(len(trunk)) - trunk_from[keys]
    good = trunk >= 0
    position[trunk[good][::-1]] = places[good][::-1]  # of doubles the first
    cut = np.diff(trunk_from)
    double = np.flatnonzero(good)
    double = double[position[trunk[double]] != places[double]]
    np.minimum.at(cut, keys[double], places[double])
    _report_elements(found, txns, longest, "duplicate-elements", keys[double], trunk[double])
    never = np.flatnonzero(~good)
    cases = [
        Case(
            f"{txns.who(longest[k])} read {txns.step_value(int(longest[k]))[p]!r} in "
            f"{txns.key_name(k)!r}, which no transaction ever appended there.",
            (int(txns.of[longest[k]]),),
        )
        for k, p in zip(
            keys[never[:MOST_CASES]].tolist(),
            places[never[:MOST_CASES]].tolist(),
            strict=True,
        )
    ]
    found.add("garbage-read", len(never), cases)
    return position, cut


def _report_elements(
    found: Anomalies, txns: Transactions, longest: Integers, name: str, keys: Integers, versions: Integers
) -> None:
    cases = [
        Case(
            f"{txns.who(longest[k])} read {txns.value(v)!r} more than once in "
            f"{txns.key_name(k)!r}, to which it was appended once.",
            (int(txns.of[longest[k]]),),
        )
        for k, v in zip(keys[:MOST_CASES].tolist(), versions[:MOST_CASES].tolist(), strict=True)
    ]
    found.add(name, len(keys), cases)


def _incompatible(found: Anomalies, txns: Transactions, reads: Integers, longest: Integers) -> None:
    """Reads of which neither continues the other."""
    cases = []
    for read in reads[:MOST_CASES].tolist():
        other = int(longest[txns.key[read]])
        mine, longer = txns.step_value(read), txns.step_value(other)
        place = next(p for p, (a, b) in enumerate(zip(mine, longer, strict=False)) if a != b)
        cases.append(
            Case(
                f"{txns.who(read)} read {txns.key_of(read)!r} with {mine[place]!r} "
                f"at place {place}, {txns.who(other)} with {longer[place]!r} there: "
                "no one order of the appends gives both.",
                (int(txns.of[read]), int(txns.of[other])),
            )
        )
    found.add("incompatible-order", len(reads), cases)


def _seen(txns: Transactions, reads: Integers, trunk: Integers, trunk_from: Integers) -> Integers:
    """The version that each of these reads saw."""
    count, key = txns.count[reads], txns.key[reads]
    saw = txns.versions + key
    some = count > 0
    saw[some] = trunk[trunk_from[key[some]] + count[some] - 1]
    return saw


def _aborted(
    found: Anomalies,
    txns: Transactions,
    reads: Integers,
    trunk: Integers,
    trunk_from: Integers,
    writer: Integers,
    done: Mask,
) -> None:
    """G1a: a read of what a transaction wrote that failed."""
    authors = np.where(trunk >= 0, writer[trunk], -1)
    bad = np.flatnonzero((authors >= 0) & (txns.outcome[authors] == FAIL) & ~done[authors])
    if not len(bad):
        return
    keys = np.searchsorted(trunk_from, bad, side="right") - 1
    first = np.full(txns.keys, np.iinfo(np.int64).max)
    np.minimum.at(first, keys, bad - trunk_from[keys])
    hit = reads[txns.count[reads] > first[txns.key[reads]]]
    cases = []
    for read in hit[:MOST_CASES].tolist():
        key = int(txns.key[read])
        version = int(trunk[trunk_from[key] + first[key]])
        author = int(writer[version])
        cases.append(
            Case(
                f"{txns.who(read)} read {txns.value(version)!r} in {txns.key_name(key)!r}, which "
                f"{txns.called(author)} appended, and that one failed.",
                (author, int(txns.of[read])),
            )
        )
    found.add("G1a", len(hit), cases)


def _dirty_updates(
    found: Anomalies, txns: Transactions, trunk: Integers, trunk_from: Integers, writer: Integers, done: Mask
) -> None:
    """A transaction that committed appended to what one that failed had appended."""
    authors = np.where(trunk >= 0, writer[trunk], -1)
    keys = np.repeat(np.arange(txns.keys), np.diff(trunk_from))
    failed = (authors >= 0) & (txns.outcome[authors] == FAIL)
    follows = np.flatnonzero(failed[:-1] & (keys[1:] == keys[:-1]) & (authors[1:] >= 0)) + 1
    follows = follows[done[authors[follows]]]
    cases = [
        Case(
            f"{txns.called(authors[p])} appended {txns.value(trunk[p])!r} to "
            f"{txns.key_name(keys[p])!r} upon {txns.value(trunk[p - 1])!r} of {txns.called(authors[p - 1])}, "
            "and that one failed.",
            (int(authors[p - 1]), int(authors[p])),
        )
        for p in follows[:MOST_CASES].tolist()
    ]
    found.add("dirty-update", len(follows), cases)


def _intermediate(
    found: Anomalies,
    txns: Transactions,
    form: Shape,
    reads: Integers,
    saw: Integers,
    writer: Integers,
    done: Mask,
) -> None:
    """G1b: a read that ends with what its writer then appended to."""
    last = np.zeros(txns.versions + txns.keys, dtype=bool)
    last[txns.versions :] = True
    last[txns.version[form.final]] = True
    bad = np.flatnonzero(~last[saw] & (txns.outcome[writer[saw]] != FAIL) & done[writer[saw]])
    cases = [
        Case(
            f"{txns.who(reads[p])} read {txns.key_of(reads[p])!r} up to "
            f"{txns.value(saw[p])!r}, but {txns.called(writer[saw[p]])} appended more to it after that.",
            (int(writer[saw[p]]), int(txns.of[reads[p]])),
        )
        for p in bad[:MOST_CASES].tolist()
    ]
    found.add("G1b", len(bad), cases)


def _future(found: Anomalies, txns: Transactions, form: Shape, position: Integers) -> None:
    """A transaction that read its own append before it made it."""
    appends = np.flatnonzero(txns.writes)
    opens = form.opening[appends]
    usable = txns.ok_reads[opens] & (opens < appends)
    place = position[txns.version[appends]]
    hit = appends[usable & (place >= 0) & (txns.count[opens] > place)]
    cases = [
        Case(
            f"{txns.who(s)} read {txns.step_value(s)!r} in {txns.key_of(s)!r} "
            "before its own step appended it.",
            (int(txns.of[s]),),
        )
        for s in hit[:MOST_CASES].tolist()
    ]
    found.add("internal", len(hit), cases)


def _orders(
    txns: Transactions,
    trunk: Integers,
    trunk_from: Integers,
    cut: Integers,
    installed: Mask,
    position: Integers,
) -> tuple[VersionOrders, ...]:
    """Each installed version before the next; the last one that was read before each that no read shows."""
    keys = np.repeat(np.arange(txns.keys), np.diff(trunk_from))
    places = np.arange(len(trunk)) - trunk_from[keys]
    kept = (trunk >= 0) & (places < cut[keys])
    kept[kept] = installed[trunk[kept]]
    chain, keys = trunk[kept], keys[kept]
    before = txns.versions + keys
    same = keys[1:] == keys[:-1]
    before[1:][same] = chain[:-1][same]
    last = txns.versions + np.arange(txns.keys)
    ends = np.flatnonzero(np.concatenate([keys[1:] != keys[:-1], [True]])) if len(keys) else keys
    last[keys[ends]] = chain[ends]
    whole = cut == np.diff(trunk_from)
    unread = np.flatnonzero(installed[: txns.versions] & (position < 0))
    unread = unread[whole[txns.version_key[unread]]]
    return (
        VersionOrders(
            np.concatenate([before, last[txns.version_key[unread]]]),
            np.concatenate([chain, unread]),
            level=0,
            at_least=0,
        ),
    )
