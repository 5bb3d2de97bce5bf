"""Lists that grow by unique appends: a read shows every version before it, so versions have a known order.

Elle (Kingsbury & Alvaro, VLDB 2020), section 4.2: the longest read of a key is the order of its elements,
every other read must be a beginning of it, and each element names the transaction that appended it. *Every*
element orders, not only the last one that a transaction appended: a transaction whose elements do not stand
side by side, in its own order, took no effect at one moment. Elements that no read shows come after all that
some read shows, in an order that stays unknown: `unread` decides whether that matters.
"""

from __future__ import annotations

from typing import NamedTuple

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
from history.history import FAIL, OK


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
    _repeated(found, txns, reads[~agreeing])
    position, cut = _positions(found, txns, trunk, trunk_from, longest)
    done = committed(txns, writer, trunk[trunk >= 0])
    _own_order(found, txns, form, position, done)
    _aborted(found, txns, reads[agreeing], trunk, trunk_from, writer, done)
    _dirty_updates(found, txns, trunk, trunk_from, writer, done)

    installed = final_versions(txns, form, done)
    external = form.external(txns)
    usable = np.zeros(len(txns.of), dtype=bool)
    usable[reads[agreeing]] = True
    external = external[usable[external]]
    external = external[txns.count[external] <= cut[txns.key[external]]]
    based = _first_appends(txns, form, external)
    saw = _seen(txns, external, trunk, trunk_from)
    known = saw >= 0  # and not a value that no transaction appended
    external, saw = external[known], saw[known]
    own = writer[saw] == txns.of[external]
    _intermediate(found, txns, form, external[~own], saw[~own], writer, done)
    _future(found, txns, based, position)
    good = ~own & (installed[saw] | (saw >= txns.versions))
    external, saw = external[good], saw[good]
    shared = lost_updates(found, txns, form, installed, external, saw)
    kept = np.zeros(len(txns.of), dtype=bool)
    kept[external[~np.isin(saw, shared)]] = True
    _overtaken(found, txns, based[:, kept[based[0]]], trunk, trunk_from, position)
    settled = np.ones(txns.keys, dtype=bool)
    settled[txns.key[reads[~agreeing]]] = False
    shown = _Shown(trunk, trunk_from, cut, writer, done, installed, position, settled)
    orders, unread = _orders(txns, shown)
    return Reading(txns, writer, installed, saw, txns.of[external], orders, found, unread)


class _Shown(NamedTuple):
    """What reads show of all lists."""

    trunk: Integers
    """The versions of which the longest reads consist, one key after the other; -1 for no version."""
    trunk_from: Integers
    """By key its first place in `trunk`; the end of the last one follows."""
    cut: Integers
    """By key the number of its elements before the first that stands there a second time."""
    writer: Integers
    done: Mask
    """By transaction, whether it committed."""
    installed: Mask
    position: Integers
    """By version its place among its key's; -1: no read shows it."""
    settled: Mask
    """By key, whether all its reads agree."""


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
        both = list(zip(mine, longer, strict=False))
        differ = (p for p, (a, b) in enumerate(both) if type(a) is not type(b) or a != b)
        place = next(differ, len(both) - 1)
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


def _first_appends(txns: Transactions, form: Shape, external: Integers) -> Integers:
    """Pairs of a read of what others wrote and its transaction's first append to that key, in two rows."""
    appends = np.flatnonzero(txns.writes & (form.own == 0))
    usable = np.zeros(len(txns.of), dtype=bool)
    usable[external] = True
    appends = appends[usable[form.opening[appends]]]
    pairs = [np.stack([form.opening[appends], appends])]
    again = external[form.opening[external] != external]
    if len(again):  # a transaction that read a key twice, and saw two versions
        mine = np.flatnonzero(txns.writes & (form.own == 0) & np.isin(txns.of, txns.of[again]))
        first = {(int(txns.of[s]), int(txns.key[s])): int(s) for s in mine}
        found = [(read, first.get((int(txns.of[read]), int(txns.key[read])), -1)) for read in again.tolist()]
        pairs.append(np.array([pair for pair in found if pair[1] >= 0], dtype=np.int64).reshape(-1, 2).T)
    return np.concatenate(pairs, axis=1)


def _future(found: Anomalies, txns: Transactions, based: Integers, position: Integers) -> None:
    """A transaction that read its own append before it made it."""
    reads, appends = based
    place = position[txns.version[appends]]
    hit = appends[(place >= 0) & (txns.count[reads] > place)]
    cases = [
        Case(
            f"{txns.who(s)} read {txns.step_value(s)!r} in {txns.key_of(s)!r} "
            "before its own step appended it.",
            (int(txns.of[s]),),
        )
        for s in hit[:MOST_CASES].tolist()
    ]
    found.add("internal", len(hit), cases)


def _repeated(found: Anomalies, txns: Transactions, reads: Integers) -> None:
    """Find elements that stand twice in a read that does not agree with the longest one."""
    cases = []
    for read in reads.tolist():
        met = set()
        for value in txns.step_value(read) or ():
            if (type(value), value) in met:  # 1 is not true
                text = f"{txns.who(read)} read {value!r} more than once in {txns.key_of(read)!r}."
                cases.append(Case(text, (int(txns.of[read]),)))
                break
            met.add((type(value), value))
    found.add("duplicate-elements", len(cases), cases[:MOST_CASES])


def _own_order(found: Anomalies, txns: Transactions, form: Shape, position: Integers, done: Mask) -> None:
    """A transaction appended twice to a key, and reads show the second without the first, or before it."""
    later = np.flatnonzero(form.previous >= 0)
    later = later[done[txns.of[later]]]
    earlier = form.previous[later]
    place, place_before = position[txns.version[later]], position[txns.version[earlier]]
    hit = np.flatnonzero((place >= 0) & ((place_before < 0) | (place_before > place)))
    cases = []
    for at in hit[:MOST_CASES].tolist():
        first, second = txns.step_value(earlier[at]), txns.step_value(later[at])
        where = "later" if place_before[at] >= 0 else "nowhere"
        cases.append(
            Case(
                f"{txns.who(later[at])} appended {first!r} and then {second!r} to "
                f"{txns.key_of(later[at])!r}, but of the list that was read {second!r} is an element, and "
                f"{first!r} stands {where} in it.",
                (int(txns.of[later[at]]),),
            )
        )
    found.add("incompatible-order", len(hit), cases)


def _overtaken(
    found: Anomalies,
    txns: Transactions,
    based: Integers,
    trunk: Integers,
    trunk_from: Integers,
    position: Integers,
) -> None:
    """A transaction read a version and appended to that key, and another one's append came between."""
    reads, appends = based
    key, count, place = txns.key[reads], txns.count[reads], position[txns.version[appends]]
    more = np.where(place >= 0, place > count, trunk_from[key + 1] - trunk_from[key] > count)
    hit = np.flatnonzero(more)
    cases = []
    for at in hit[:MOST_CASES].tolist():
        read, append = int(reads[at]), int(appends[at])
        between = int(trunk[trunk_from[key[at]] + count[at]])
        seen = txns.step_value(read)
        cases.append(
            Case(
                f"{txns.who(read)} read {txns.key_of(read)!r} "
                f"{f'up to {seen[-1]!r}' if seen else 'as empty'} and then appended "
                f"{txns.step_value(append)!r}, but the append of "
                + (f"{txns.value(between)!r} " if between >= 0 else "another value ")
                + "came between.",
                (int(txns.of[read]),),
            )
        )
    found.add("lost-update", len(hit), cases)


def _orders(txns: Transactions, shown: _Shown) -> tuple[tuple[VersionOrders, ...], tuple[Integers, Integers]]:
    """Each transaction's elements before the next one's; the last that was read before each that was not.

    The second result are those that were not, and for each the last that was.

    Of these, a pair rules out read uncommitted only if it are the last writes of two transactions that
    certainly committed, in a key whose reads agree (Adya's G0 is about installed versions).
    """
    keys = np.repeat(np.arange(txns.keys), np.diff(shown.trunk_from))
    places = np.arange(len(shown.trunk)) - shown.trunk_from[keys]
    kept = (shown.trunk >= 0) & (places < shown.cut[keys])
    kept[kept] = shown.done[shown.writer[shown.trunk[kept]]]
    chain, keys = shown.trunk[kept], keys[kept]
    before, after, last = _pairs(txns, shown.writer, chain, keys)
    firm = shown.installed[: txns.versions] & shown.settled[txns.version_key]
    firm[firm] = txns.outcome[shown.writer[: txns.versions][firm]] == OK
    sure = firm[chain]
    sure_before, sure_after, sure_last = _pairs(txns, shown.writer, chain[sure], keys[sure])
    is_sure = _among(txns, shown.writer, (before, after), (sure_before, sure_after))
    rest = ~_among(txns, shown.writer, (sure_before, sure_after), (before, after))

    whole = shown.cut == np.diff(shown.trunk_from)
    unread = np.flatnonzero(shown.installed[: txns.versions] & (shown.position < 0))
    unread = unread[whole[txns.version_key[unread]]]
    ends, sure_ends = last[txns.version_key[unread]], sure_last[txns.version_key[unread]]
    is_firm, is_same = firm[unread], ends == sure_ends
    is_sure = np.concatenate([is_sure, is_firm & is_same])
    before, after = np.concatenate([before, ends]), np.concatenate([after, unread])
    more = is_firm & ~is_same
    orders = (
        VersionOrders(before[is_sure], after[is_sure], level=0, at_least=0),
        VersionOrders(before[~is_sure], after[~is_sure], level=0, at_least=1),
        VersionOrders(
            np.concatenate([sure_before[rest], sure_ends[more]]),
            np.concatenate([sure_after[rest], unread[more]]),
            level=0,
            at_least=0,
        ),
    )
    return orders, (unread, ends)


def _pairs(
    txns: Transactions, writer: Integers, chain: Integers, keys: Integers
) -> tuple[Integers, Integers, Integers]:
    """(before, after) of neighbours of different writers; and by key the last version, or the initial one."""
    before = txns.versions + keys
    same = keys[1:] == keys[:-1]
    before[1:][same] = chain[:-1][same]
    last = txns.versions + np.arange(txns.keys)
    ends = np.flatnonzero(np.concatenate([~same, [True]])) if len(keys) else keys
    last[keys[ends]] = chain[ends]
    apart = writer[before] != writer[chain]
    return before[apart], chain[apart], last


def _among(
    txns: Transactions,
    writer: Integers,
    pairs: tuple[Integers, Integers],
    others: tuple[Integers, Integers],
) -> Mask:
    """Which pairs of neighbours lead from the same version to the same writer as one of the others."""
    following = np.full(txns.versions + txns.keys, -1, dtype=np.int64)
    following[others[0]] = writer[others[1]]
    found: Mask = following[pairs[0]] == writer[pairs[1]]
    return found
