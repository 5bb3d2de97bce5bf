"""A set that only grows, element by element: from when on do all reads show it, or was it lost?

Operations, as Jepsen's `set-full` has them: `add` of an element, and `read`, whose reply is the list of all.
An element is *known* from when its addition was acknowledged, or a read showed it, whichever came first. With
reads in the order in which they began, an element is

- *stable* if the last read shows it; its latency is the time from when it was known to the last read that
  did not show it;
- *lost* if a read that began when it was known did not show it, and no later read did; its latency is the
  time from when it was known to the last read that showed it;
- *never read* if neither is known.

A stable element is *stale* if a read that began when it was known did not show it: a violation if the option
`linearizable` is set. An element that no client tried to add, or that one read shows twice, is always one.

Time and memory grow with the total length of all reads: reads are looked at from the last to the first, each
time only for the elements that all later reads have shown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from checkers.limits import MOST_EVIDENCE
from checkers.verdict import Evidence, IllegalOperation, Mark, Unjudged, Validity, Verdict, checked
from checkers.workloads.client_operations import (
    ClientOperation,
    by_key,
    client_operations,
    element,
    numbers,
    of,
    quantiles,
)
from history import Recording
from history.units import MILLISECOND_NS
from history.values import elements, in_words

ADD, READ = "add", "read"
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Elements:
    """The elements of one set, by number, and the reads of it, in the order in which they began."""

    values: list[Any]
    adds: list[ClientOperation]
    """The earliest addition of each element that did not fail."""
    reads: list[ClientOperation]
    known: Integers
    """By element: position in the history of the reply that made it known; `NEVER` for none."""
    present: Integers
    """By element: the last read that shows it; -1 for none."""
    absent: Integers
    """By element: the last read that does not show it; -1 for none."""
    absent_at: Integers
    """By element: where that read began; -1 for none."""

    @property
    def stable(self) -> Flags:
        """Whether the last read shows each element."""
        return self.present > self.absent

    @property
    def missed(self) -> Flags:
        """Whether a read that began when the element was known did not show it."""
        return self.absent_at > self.known

    @property
    def lost(self) -> Flags:
        """Whether each element was missed, and never shown again."""
        return self.missed & ~self.stable


@dataclass(frozen=True)
class SetFull:
    """Finds for each element whether it was kept, and how soon all reads showed it."""

    linearizable: bool = False
    """Whether every read that begins when an element is known must show it."""
    name: str = "set-full"

    def judge(self, recording: Recording) -> Verdict:
        """Judge a history of sets.

        Raises:
            IllegalOperation: an operation of another kind, or a read that gives no list.
        """
        history = recording.history
        time = history.columns.time
        counts: Counter[str] = Counter()
        evidence: dict[str, list[Evidence]] = {"unexpected": [], "lost": [], "twice": [], "stale": []}
        waits: dict[str, list[npt.NDArray[np.float64]]] = {"stable": [], "lost": []}
        for key, calls in by_key(client_operations(history, self.name, [ADD, READ])).items():
            counts["attempted"] += sum(one.invocation.f == ADD for one in calls)
            found = _elements(key, calls, counts, evidence)
            stale = found.stable & found.missed
            kinds = {"stable": found.stable, "lost": found.lost, "stale": stale}
            counts.update({name: int(mask.sum()) for name, mask in kinds.items()})
            counts["never_read"] += int((~found.stable & ~found.lost).sum())
            waits["stable"].append(_waits(found, time, found.stable, found.absent))
            waits["lost"].append(_waits(found, time, found.lost, found.present))
            room = MOST_EVIDENCE - len(evidence["lost"])
            evidence["lost"] += (_lost(key, found, int(n)) for n in np.flatnonzero(found.lost)[:room])
            if self.linearizable:
                longest = np.argsort(np.where(stale, found.known - found.absent_at, 0), kind="stable")
                room = min(MOST_EVIDENCE - len(evidence["stale"]), int(stale.sum()))
                evidence["stale"] += (_stale(key, found, int(n)) for n in longest[:room])
        return self._verdict(counts, evidence, waits)

    def check(self, recording: Recording) -> Verdict:
        """Judge, and answer `unknown` to a history that `judge` refuses."""
        return checked(self, recording)

    def _verdict(
        self,
        counts: Counter[str],
        evidence: dict[str, list[Evidence]],
        waits: dict[str, list[npt.NDArray[np.float64]]],
    ) -> Verdict:
        shown = [one for cases in evidence.values() for one in cases[:MOST_EVIDENCE]]
        tally = ", ".join(
            f"{counts[name]} {name.replace('_', ' ')}" for name in ("stable", "lost", "never_read", "stale")
        )
        mark: Mark
        if shown:
            mark, summary = Validity.INVALID, f"{tally}; for example: {shown[0].text}"
        elif not counts["stable"]:
            mark, summary = Unjudged.NOT_EXERCISED, f"no element is known to have stayed in the set ({tally})"
        else:
            mark, summary = Validity.VALID, f"of {counts['attempted']} elements, {tally}"
        names = ("attempted", "stable", "lost", "never_read", "stale", "unexpected", "twice")
        measures: dict[str, Any] = {name: counts[name] for name in names}
        measures |= {f"{name}_latency_ms": quantiles(np.concatenate([[], *ms])) for name, ms in waits.items()}
        caveat = "each element was judged by itself; --model set judges whether one order explains all reads"
        return Verdict.marked(self.name, mark, summary, tuple(shown[:MOST_EVIDENCE]), measures, (caveat,))


def _waits(found: Elements, time: Integers, mask: Flags, last: Integers) -> npt.NDArray[np.float64]:
    """By element, the milliseconds from when it was known to when its `last` read began."""
    begun = np.array([one.at for one in found.reads], dtype=np.int64)
    places = last[mask]
    waited = np.where(places >= 0, time[begun[places]] - time[found.known[mask]], 0)
    return np.maximum(waited, 0) / MILLISECOND_NS


def _elements(
    key: str | None, calls: list[ClientOperation], counts: Counter[str], evidence: dict[str, list[Evidence]]
) -> Elements:
    """Number the elements that were added, and find the reads that show each or do not."""
    number: dict[Hashable, int] = {}
    adds: list[ClientOperation] = []
    known_at: list[int] = []
    failed: dict[Hashable, ClientOperation] = {}
    for one in calls:
        if one.invocation.f == ADD:
            token = element(one.invocation.value)
            if one.outcome == "fail":
                failed.setdefault(token, one)
            elif token in number:
                known_at[number[token]] = min(known_at[number[token]], one.until)
            else:
                number[token] = len(adds)
                adds.append(one)
                known_at.append(one.until)
    reads = [one for one in calls if one.invocation.f == READ and one.outcome == "ok"]
    known = np.array(known_at, dtype=np.int64)
    begun = np.array([one.at for one in adds], dtype=np.int64)
    present = np.full(len(adds), -1, dtype=np.int64)
    shown: list[Integers] = []
    for place, read in enumerate(reads):
        listed = _listed(read)
        tokens = [element(value) for value in listed]
        codes = np.fromiter((number.get(token, -1) for token in tokens), np.int64, len(tokens))
        _note_repeated(key, read, tokens, counts, evidence["twice"])
        strange = (codes < 0) | (begun[codes] > read.until) if len(adds) else codes < 0
        for at in np.flatnonzero(strange).tolist():
            counts["unexpected"] += 1
            tried = adds[codes[at]] if codes[at] >= 0 else failed.get(tokens[at])
            if len(evidence["unexpected"]) < MOST_EVIDENCE:
                evidence["unexpected"].append(_unexpected(key, read, listed[at], tried))
        codes = codes[~strange]
        known[codes] = np.minimum(known[codes], read.until)
        present[codes] = place
        shown.append(codes)
    absent, absent_at = _last_absent(len(adds), reads, shown)
    values = [one.invocation.value for one in adds]
    return Elements(values, adds, reads, known, present, absent, absent_at)


def _note_repeated(
    key: str | None,
    read: ClientOperation,
    tokens: list[Hashable],
    counts: Counter[str],
    evidence: list[Evidence],
) -> None:
    """Count the elements that one read shows more than once."""
    if len(set(tokens)) == len(tokens):
        return
    for token, count in Counter(tokens).items():
        if count > 1:
            counts["twice"] += 1
            if len(evidence) < MOST_EVIDENCE:
                evidence.append(_twice(key, read, token, count))


def _last_absent(
    elements: int, reads: list[ClientOperation], shown: list[Integers]
) -> tuple[Integers, Integers]:
    """By element, the last read that does not show it and where that read began; -1 for none."""
    absent, absent_at = np.full(elements, -1, dtype=np.int64), np.full(elements, -1, dtype=np.int64)
    open_ = np.arange(elements)
    there = np.zeros(elements, dtype=bool)
    for place in range(len(reads) - 1, -1, -1):
        if not len(open_):
            break
        there[shown[place]] = True
        seen = there[open_]
        there[shown[place]] = False
        absent[open_[~seen]] = place
        absent_at[open_[~seen]] = reads[place].at
        open_ = open_[seen]
    return absent, absent_at


def _listed(read: ClientOperation) -> list[Any]:
    shown = elements(read.reply)
    if shown is None:
        raise IllegalOperation(read.positions[-1], f"a read gives a list of elements, not {read.reply!r}")
    return shown


def _learnt(found: Elements, n: int) -> tuple[str, list[ClientOperation]]:
    """How an element became known, in words, and the operations that show it."""
    add, known = found.adds[n], int(found.known[n])
    if add.until == known:
        return f"Operation {add.at} added {found.values[n]!r}, which was acknowledged", [add]
    read = next((one for one in found.reads if one.until == known), None)
    if read is None:
        return f"{found.values[n]!r} was added again, which was acknowledged", [add]
    return f"Operation {add.at} added {found.values[n]!r}, and operation {read.at} read it", [add, read]


def _lost(key: str | None, found: Elements, n: int) -> Evidence:
    words, shown = _learnt(found, n)
    last = int(found.present[n])
    first = next(r for r in found.reads[last + 1 :] if r.at > found.known[n])
    seen = (
        f"operation {found.reads[last].at} was the last to read it" if last >= 0 else "no read ever showed it"
    )
    text = (
        f"{words}{of(key)}; {seen}; operation {first.at} began after that and did not read it, "
        "nor did any later read."
    )
    where = [*shown, *([found.reads[last]] if last >= 0 else []), first]
    return Evidence(f"{found.values[n]!r}{of(key)} was lost", text, numbers(*where))


def _stale(key: str | None, found: Elements, n: int) -> Evidence:
    words, shown = _learnt(found, n)
    read = found.reads[int(found.absent[n])]
    text = f"{words}{of(key)}; operation {read.at} began after that and did not read it."
    return Evidence(f"a stale read without {found.values[n]!r}{of(key)}", text, numbers(*shown, read))


def _unexpected(
    key: str | None, read: ClientOperation, value: Any, tried: ClientOperation | None
) -> Evidence:
    if tried is None:
        why = "which no client added"
    else:
        verb = "failed" if tried.outcome == "fail" else "began only after that"
        why = f"but the only operation that tried to add it, {tried.at}, {verb}"
    text = f"Operation {read.at} read {value!r}{of(key)}, {why}."
    return Evidence(
        f"{value!r}{of(key)} was read without having been added",
        text,
        numbers(read, *([] if tried is None else [tried])),
    )


def _twice(key: str | None, read: ClientOperation, token: Hashable, count: int) -> Evidence:
    value = in_words(token)
    text = f"Operation {read.at} read {value}{of(key)} {count} times in one set."
    return Evidence(f"operation {read.at} read {value}{of(key)} twice", text, numbers(read))
