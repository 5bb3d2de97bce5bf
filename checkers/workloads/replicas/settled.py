"""Sets and counters that may lag behind: once all is quiet, every node shows what was acknowledged.

A read is *late* if it began at least `settle_s` after the last addition ended and after the final heal. A
node may answer earlier reads from any state. Its late reads must show everything that was acknowledged, may
show what has an unknown outcome, and must show nothing else; a set's reads, early ones included, never show
an element that no client tried to add. Maelstrom judges its workloads `broadcast`, `g-set`, `g-counter` and
`pn-counter` so.

A node without a late read that was answered makes the verdict `unknown`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

import msgspec

from checkers.limits import MOST_EVIDENCE
from checkers.run.faults import fault_operations
from checkers.verdict import Evidence, IllegalOperation, Mark, Unjudged, Validity, Verdict, checked
from checkers.words import plural
from checkers.workloads.client_operations import (
    ClientOperation,
    client_operations,
    element,
    numbers,
    whole,
)
from history import Recording
from history.nemesis import FINAL_HEAL
from history.units import SECOND_NS
from history.values import in_words

ADD, READ = "add", "read"
SETTLE_S = 5.0
SHOWN_AT_MOST = 5
LARGEST_SUM = 100_000
"""Up to this sum of additions with an unknown outcome, each possible total is known; beyond, only bounds."""

SettleTime = Annotated[float, msgspec.Meta(gt=0, le=1e6)]


class Settled(NamedTuple):
    """The additions of a history that did not fail, and the reads of each node."""

    certain: list[ClientOperation]
    possible: list[ClientOperation]
    """Those of unknown outcome."""
    reads: list[ClientOperation]
    """All that were answered."""
    late: dict[str, list[ClientOperation]]
    """By node."""
    unread: tuple[str, ...]
    """The nodes without a late read."""


def settled(recording: Recording, judge: str, settle_s: float) -> Settled:
    """Part the operations of a history.

    Raises:
        IllegalOperation: an operation other than `add` and `read`.
    """
    certain: list[ClientOperation] = []
    possible: list[ClientOperation] = []
    answered: list[ClientOperation] = []
    late: dict[str, list[ClientOperation]] = {}
    quiet = max(
        (fault.completion.time for fault in fault_operations(recording.history) if fault.f == FINAL_HEAL),
        default=0,
    )
    for one in client_operations(recording.history, judge, [ADD, READ]):
        if one.invocation.f == READ:
            answered += [one] * (one.outcome == "ok")
        elif one.outcome != "fail":
            (certain if one.outcome == "ok" else possible).append(one)
            quiet = max(quiet, one.completion.time if one.completion else one.invocation.time)
    for one in answered:
        if one.invocation.time >= quiet + settle_s * SECOND_NS:
            late.setdefault(str(one.invocation.node), []).append(one)
    asked: Any = recording.options.get("nodes")
    nodes: Iterable[Any] = asked if isinstance(asked, list | tuple) else sorted(late)
    unread = tuple(str(node) for node in nodes if str(node) not in late)
    return Settled(certain, possible, answered, late, unread)


def _verdict(
    name: str, found: Settled, evidence: list[Evidence], wrong: int, right: str, measures: dict[str, Any]
) -> Verdict:
    """The verdict: a wrong late read is a violation, whatever else is not known."""
    mark: Mark
    if wrong:
        mark, summary = Validity.INVALID, f"{plural(wrong, 'thing', 'things')} wrong: {evidence[0].text}"
    elif found.unread:
        nodes = ", ".join(found.unread)
        mark, summary = Validity.UNKNOWN, f"no read of {nodes} was answered once all was quiet"
    elif not found.certain or not found.late:
        mark, summary = Unjudged.NOT_EXERCISED, "nothing was acknowledged and then read"
    else:
        mark, summary = Validity.VALID, right
    late = sum(map(len, found.late.values()))
    counts = {"acknowledged": len(found.certain), "unknown": len(found.possible), "late_reads": late}
    return Verdict.marked(name, mark, summary, tuple(evidence[:MOST_EVIDENCE]), {**counts, **measures})


@dataclass(frozen=True)
class SettledSet:
    """Looks for elements that a node lacks once all is quiet, and for those that no client added."""

    settle_s: SettleTime = SETTLE_S
    """How long after the last addition and the final heal a read may still be behind."""
    name: str = "settled-set"

    def judge(self, recording: Recording) -> Verdict:
        """Judge a history of one set.

        Raises:
            IllegalOperation: an operation of another kind, or a read that gives no list.
        """
        found = settled(recording, self.name, self.settle_s)
        adds = {element(one.invocation.value): one for one in (*found.certain, *found.possible)}
        evidence: list[Evidence] = []
        lost: set[Any] = set()
        unexpected = 0
        for read in found.reads:
            for shown in _elements(read):
                if shown not in adds:
                    unexpected += 1
                    where = f"operation {read.at} read it on {read.invocation.node}"
                    text = f"No client added {in_words(shown)}, and {where}."
                    evidence.append(Evidence("an element that no client added", text, numbers(read)))
        for node, reads in found.late.items():
            shown_last = _elements(reads[-1])
            lacking = [one for one in found.certain if element(one.invocation.value) not in shown_last]
            lost |= {one.at for one in lacking}
            if lacking:
                evidence.append(self._lacking(node, lacking, reads[-1]))
        wrong = len(lost) + unexpected
        right = f"every node shows all {len(found.certain)} acknowledged elements in the end"
        return _verdict(
            self.name, found, evidence, wrong, right, {"lost": len(lost), "unexpected": unexpected}
        )

    def _lacking(self, node: str, lacking: list[ClientOperation], read: ClientOperation) -> Evidence:
        first = ", ".join(
            f"{in_words(one.invocation.value)} (operation {one.at}, {one.invocation.node})"
            for one in lacking[:SHOWN_AT_MOST]
        )
        more = f" and {len(lacking) - SHOWN_AT_MOST} more" if len(lacking) > SHOWN_AT_MOST else ""
        text = (
            f"{node} lacks {first}{more} in operation {read.at}, although each was acknowledged at least "
            f"{self.settle_s:g} s before."
        )
        return Evidence(f"{node} lacks acknowledged elements", text, numbers(read, *lacking[:SHOWN_AT_MOST]))

    def check(self, recording: Recording) -> Verdict:
        """Judge, and answer `unknown` to a history that `judge` refuses."""
        return checked(self, recording)


def _elements(read: ClientOperation) -> frozenset[Any]:
    if not isinstance(read.reply, list | tuple):
        raise IllegalOperation(read.positions[-1], f"a read gives a list, not {in_words(read.reply)}")
    return frozenset(element(value) for value in read.reply)


@dataclass(frozen=True)
class SettledCounter:
    """Looks for a node whose counter is not the sum of the additions once all is quiet."""

    settle_s: SettleTime = SETTLE_S
    """How long after the last addition and the final heal a read may still be behind."""
    name: str = "settled-counter"

    def judge(self, recording: Recording) -> Verdict:
        """Judge a history of one counter.

        Raises:
            IllegalOperation: an operation of another kind, or one that takes or gives no whole number.
        """
        found = settled(recording, self.name, self.settle_s)
        certain = sum(_amount(one) for one in found.certain)
        may = [_amount(one) for one in found.possible]
        totals = _Totals(certain, may)
        evidence: list[Evidence] = []
        for node, reads in found.late.items():
            read = reads[-1]
            value = whole(read.positions[-1], read.reply, "a read gives a whole number")
            if value not in totals:
                text = (
                    f"{node} shows {value} in operation {read.at}; what was acknowledged comes to {certain}"
                    + (f", and {plural(len(may), 'other', 'others')} may have happened" if may else "")
                    + f", the last of them at least {self.settle_s:g} s before."
                )
                evidence.append(Evidence(f"{node} shows an impossible sum", text, numbers(read)))
        right = f"every node shows the sum of {len(found.certain)} acknowledged additions in the end"
        return _verdict(self.name, found, evidence, len(evidence), right, {"sum": certain})

    def check(self, recording: Recording) -> Verdict:
        """Judge, and answer `unknown` to a history that `judge` refuses."""
        return checked(self, recording)


class _Totals:
    """The totals that a counter may have: what is certain, and any of what is possible."""

    def __init__(self, certain: int, may: Sequence[int]) -> None:
        self._least = certain + sum(amount for amount in may if amount < 0)
        self._most = certain + sum(amount for amount in may if amount > 0)
        self._reached: int | None = None
        if self._most - self._least <= LARGEST_SUM:
            self._reached = 1  # bit n is set if the least total plus n can be reached
            for amount in may:
                self._reached |= self._reached << abs(amount)

    def __contains__(self, total: int) -> bool:
        if not self._least <= total <= self._most:
            return False
        return self._reached is None or bool(self._reached >> (total - self._least) & 1)


def _amount(one: ClientOperation) -> int:
    return whole(one.at, one.invocation.value, "add takes a whole number")
