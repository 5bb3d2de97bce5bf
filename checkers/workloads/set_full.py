"""A set that only grows, element by element: when did it come to stay, or was it lost?

Operations, as Jepsen's `set-full` has them: `add` of an element, and `read`, whose reply is the list of all.
An element is *known* from when its addition was answered, or a read showed it, whichever came first. With
reads in the order in which they began:

- *stable*: the last read shows it; its latency is from when it was known to the last read that did not;
- *lost*: a read that began when it was known did not show it, and no later one did; its latency is from when
  it was known to the last read that did;
- *never read*: neither can be told.

A stable element that some read missed which began when it was known is *stale*: blamed if the set is to be
`linearizable`. What nobody tried to add, or what a read shows twice, is blamed in any case.

Time and memory follow the sum of what reads show: reads are gone through from the last on, each time only
with the elements that all later ones had shown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from checkers.limits import MOST_EVIDENCE
from checkers.verdict import Evidence, IllegalOperation, Validity, Verdict, checked
from checkers.workloads.asked import Asked, asked, by_key, element, of, quantiles, rows
from history import Recording
from history.units import MILLISECOND_NS

ADD, READ = "add", "read"
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Elements:
    """The elements of one set, by number, and the reads of it, in the order in which they began."""

    values: list[Any]
    adds: list[Asked]
    """The earliest addition of each that did not fail."""
    reads: list[Asked]
    known: Integers
    """Position in the history of the reply that made it known; `NEVER` for none."""
    present: Integers
    """The last read that shows it; -1 for none."""
    absent: Integers
    """The last read that does not; -1 for none."""
    absent_at: Integers
    """Where that read began; -1 for none."""

    @property
    def stable(self) -> Flags:
        """Which came to stay."""
        return self.present > self.absent

    @property
    def missed(self) -> Flags:
        """Which some read did not show that began when they were known."""
        return self.absent_at > self.known

    @property
    def lost(self) -> Flags:
        """Which were missed, and not seen any more."""
        return self.missed & ~self.stable


@dataclass(frozen=True)
class SetFull:
    """Tells of each element whether it was kept, and how soon that showed."""

    linearizable: bool = False
    """Whether an element must be in every read that begins when it is known."""
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
        for key, calls in by_key(asked(history, self.name, [ADD, READ])).items():
            counts["attempted"] += sum(one.begun.f == ADD for one in calls)
            found = _elements(key, calls, counts, evidence)
            stale = found.stable & found.missed
            fates = {"stable": found.stable, "lost": found.lost, "stale": stale}
            counts.update({name: int(mask.sum()) for name, mask in fates.items()})
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
        """As `judge`; what it refuses is unknown."""
        return checked(self, recording)

    def _verdict(
        self,
        counts: Counter[str],
        evidence: dict[str, list[Evidence]],
        waits: dict[str, list[npt.NDArray[np.float64]]],
    ) -> Verdict:
        shown = [one for cases in evidence.values() for one in cases[:MOST_EVIDENCE]]
        told = ", ".join(
            f"{counts[name]} {name.replace('_', ' ')}" for name in ("stable", "lost", "never_read", "stale")
        )
        if shown:
            validity, summary = Validity.INVALID, f"{told}, as: {shown[0].text}"
        elif not counts["stable"]:
            validity, summary = Validity.UNKNOWN, f"no element was seen to stay: nothing was shown ({told})"
        else:
            validity, summary = Validity.VALID, f"of {counts['attempted']} elements, {told}"
        names = ("attempted", "stable", "lost", "never_read", "stale", "unexpected", "twice")
        measures: dict[str, Any] = {name: counts[name] for name in names}
        measures |= {f"{name}_latency_ms": quantiles(np.concatenate([[], *ms])) for name, ms in waits.items()}
        caveat = "each element was judged by itself; whether one order explains all reads is for --model set"
        return Verdict(self.name, validity, summary, tuple(shown[:MOST_EVIDENCE]), measures, (caveat,))


def _waits(found: Elements, time: Integers, mask: Flags, last: Integers) -> npt.NDArray[np.float64]:
    """Of these elements for how long, in milliseconds, from when each was known to when that read began."""
    begun = np.array([one.at for one in found.reads], dtype=np.int64)
    places = last[mask]
    waited = np.where(places >= 0, time[begun[places]] - time[found.known[mask]], 0)
    return np.maximum(waited, 0) / MILLISECOND_NS


def _elements(
    key: str | None, calls: list[Asked], counts: Counter[str], evidence: dict[str, list[Evidence]]
) -> Elements:
    number: dict[Hashable, int] = {}
    adds: list[Asked] = []
    known_at: list[int] = []
    failed: dict[Hashable, Asked] = {}
    for one in calls:
        if one.begun.f == ADD:
            token = element(one.begun.value)
            if one.outcome == "fail":
                failed.setdefault(token, one)
            elif token in number:
                known_at[number[token]] = min(known_at[number[token]], one.until)
            else:
                number[token] = len(adds)
                adds.append(one)
                known_at.append(one.until)
    reads = [one for one in calls if one.begun.f == READ and one.outcome == "ok"]
    known = np.array(known_at, dtype=np.int64)
    begun = np.array([one.at for one in adds], dtype=np.int64)
    present = np.full(len(adds), -1, dtype=np.int64)
    absent, absent_at = present.copy(), present.copy()
    shown: list[Integers] = []
    for place, read in enumerate(reads):
        tokens = [element(value) for value in _listed(read)]
        codes = np.fromiter((number.get(token, -1) for token in tokens), np.int64, len(tokens))
        if len(set(tokens)) < len(tokens):
            for token, count in Counter(tokens).items():
                if count > 1:
                    counts["twice"] += 1
                    if len(evidence["twice"]) < MOST_EVIDENCE:
                        evidence["twice"].append(_twice(key, read, token, count))
        strange = (codes < 0) | (begun[codes] > read.until) if len(adds) else codes < 0
        for at in np.flatnonzero(strange).tolist():
            counts["unexpected"] += 1
            tried = adds[codes[at]] if codes[at] >= 0 else failed.get(tokens[at])
            if len(evidence["unexpected"]) < MOST_EVIDENCE:
                evidence["unexpected"].append(_unexpected(key, read, read.told[at], tried))
        codes = codes[~strange]
        known[codes] = np.minimum(known[codes], read.until)
        present[codes] = place
        shown.append(codes)
    open_ = np.arange(len(adds))
    there = np.zeros(len(adds), dtype=bool)
    for place in range(len(reads) - 1, -1, -1):
        if not len(open_):
            break
        there[shown[place]] = True
        seen = there[open_]
        there[shown[place]] = False
        absent[open_[~seen]] = place
        absent_at[open_[~seen]] = reads[place].at
        open_ = open_[seen]
    values = [one.begun.value for one in adds]
    return Elements(values, adds, reads, known, present, absent, absent_at)


def _listed(read: Asked) -> Iterator[Any]:
    if not isinstance(read.told, list | tuple):
        raise IllegalOperation(read.rows[-1], f"a read gives a list of elements, not {read.told!r}")
    return iter(read.told)


def _learnt(found: Elements, n: int) -> tuple[str, list[Asked]]:
    """How an element became known, and what shows that."""
    add, known = found.adds[n], int(found.known[n])
    if add.until == known:
        return f"Operation {add.at} added {found.values[n]!r} and was answered at operation {known}", [add]
    read = next((one for one in found.reads if one.until == known), None)
    if read is None:
        return f"{found.values[n]!r} was added again, answered at operation {known}", [add]
    return f"Operation {add.at} added {found.values[n]!r}, and operation {read.at} read it", [add, read]


def _lost(key: str | None, found: Elements, n: int) -> Evidence:
    words, shown = _learnt(found, n)
    last = int(found.present[n])
    first = next(r for r in found.reads[last + 1 :] if r.at > found.known[n])
    seen = (
        f"operation {found.reads[last].at} was the last to read it" if last >= 0 else "nothing ever read it"
    )
    text = (
        f"{words}{of(key)}; {seen}; operation {first.at} began after that and did not, nor did any later one."
    )
    where = [*shown, *([found.reads[last]] if last >= 0 else []), first]
    return Evidence(f"{found.values[n]!r}{of(key)} was lost", text, rows(*where))


def _stale(key: str | None, found: Elements, n: int) -> Evidence:
    words, shown = _learnt(found, n)
    read = found.reads[int(found.absent[n])]
    text = f"{words}{of(key)}; operation {read.at} began after that and did not read it."
    return Evidence(f"a stale read without {found.values[n]!r}{of(key)}", text, rows(*shown, read))


def _unexpected(key: str | None, read: Asked, value: Any, tried: Asked | None) -> Evidence:
    if tried is None:
        why = "which nobody added"
    else:
        verb = "failed" if tried.outcome == "fail" else "began after that"
        why = f"which operation {tried.at} alone tried to add, and that one {verb}"
    text = f"Operation {read.at} read {value!r}{of(key)}, {why}."
    return Evidence(
        f"{value!r}{of(key)} is unexpected", text, rows(read, *([] if tried is None else [tried]))
    )


def _twice(key: str | None, read: Asked, token: Hashable, count: int) -> Evidence:
    value = token[1] if isinstance(token, tuple) else token
    text = f"Operation {read.at} read {value!r}{of(key)} {count} times in one set."
    return Evidence(f"{value!r}{of(key)} stands twice in a set", text, rows(read))
