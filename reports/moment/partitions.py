"""Partitions as the graphs that they were: which links were cut from when to when.

Cuts add up until a heal, so each operation that cuts or heals begins another state of the links. What a
completion lists as cut by then counts; of one that lists nothing, the links that it aimed at do. A cut of
which it is known that it had no effect changes nothing. As with the periods of faults, a state begins with
the invocation of what cut, and ends with the completion of what healed, so it is never drawn shorter than
it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from history.nemesis import FINAL_HEAL, FaultKind, FaultKinds, NemesisAction, read_completion
from history.topology import Link, Topology, topology
from reports.spans import Span

PARTITION = "partition"
"""The fault, and the family of faults, whose links carry nothing at all."""


@dataclass(frozen=True)
class Partition:
    """One state of the links of a run in which some are cut. Times are nanoseconds since the run began."""

    nodes: tuple[str, ...]
    cut: frozenset[Link]
    begin: int
    end: int
    operation: int
    """The operation that cut the last of these links."""
    leader: str | None
    """The node that led just before, as far as it was known."""
    is_known: bool
    """Whether the links are known to have lost something."""

    @cached_property
    def left(self) -> Topology:
        """What the cut links left of the cluster."""
        return topology(self.nodes, self.cut)

    @property
    def cannot_lead(self) -> tuple[str, ...]:
        """The nodes that could not reach a majority."""
        return tuple(node for node in self.nodes if node not in self.left.reach_majority)


def partitions(
    nemesis: Sequence[Span], nodes: Sequence[str], end_of_run: int, kinds: Sequence[FaultKind] = ()
) -> list[Partition]:
    """The states of the links in order; none for a run whose links were never cut.

    Args:
        nemesis: the run's nemesis operations in order.
        end_of_run: until when links stay cut that were never healed.
    """
    known = FaultKinds(kinds)
    found: list[Partition] = []
    now: Partition | None = None
    for span in nemesis:
        ended = end_of_run if span.end is None else span.end
        if _heals(span, known):
            if now is not None and not _has_failed(span, known):
                found.append(replace(now, end=ended))
                now = None
            continue
        begun = _cut_by(span, known, tuple(nodes), now, end_of_run)
        if begun is None:
            continue
        if now is not None and now.begin < begun.begin:
            found.append(replace(now, end=begun.begin))
        now = begun
    if now is not None:
        found.append(now)
    return found


def _cut_by(
    span: Span, known: FaultKinds, nodes: tuple[str, ...], before: Partition | None, end_of_run: int
) -> Partition | None:
    """The state that an operation leads to; None if it cuts nothing."""
    kind = known.begun_by(span.f)
    if (kind.family if kind is not None else span.f) != PARTITION:
        return None
    done = read_completion(span.result)
    links: set[Link] = set() if before is None else set(before.cut)
    effects = []
    for action in done.actions:
        if action.links and action.took_effect is not False and not action.error:
            links |= set(_listed(action)) or set(action.links)
            effects.append(action.took_effect)
    links = {(a, b) for a, b in links if a in nodes and b in nodes and a != b}
    if not effects or not links:
        return None
    return Partition(
        nodes, frozenset(links), span.begin, end_of_run, span.index, done.leader, is_known=None not in effects
    )


def _listed(action: NemesisAction) -> Iterator[Link]:
    """All links that the completion says were cut by then."""
    listed: Any = action.details.get("cut")
    for link in listed if isinstance(listed, list | tuple) else ():
        if isinstance(link, list | tuple) and len(link) == 2 and all(isinstance(end, str) for end in link):
            yield link[0], link[1]


def _heals(span: Span, known: FaultKinds) -> bool:
    """Whether an operation ends what partitions cut."""
    if span.f == FINAL_HEAL:
        return True
    healed = known.healed_by(span.f)
    kind = None if healed is None else known.named(healed)
    return healed is not None and (healed if kind is None else kind.family) == PARTITION


def _has_failed(span: Span, known: FaultKinds) -> bool:
    """Whether what would have healed the links ended with an error, so that they stay cut."""
    actions = read_completion(span.result).actions
    kind = known.named(PARTITION)
    mending = [one for one in actions if kind is not None and one.kind in kind.ended_by] or actions
    return bool(mending) and all(one.error for one in mending)
