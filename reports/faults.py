"""Fault periods and the nemesis's log, derived from the history and the kinds of the run's faults.

A *period* lasts from the invocation of the operation that broke something to the completion of the
one that mended the last of it, so it is never drawn shorter than the fault was. A fault whose
actions all took no effect has no period; the log lists it and says so.

Which actions begin and end a period, and which colour it has, is data that the run's folder keeps
(`Recording.fault_kinds`). Of a fault without such data only the names of operations are known: `heal-x` ends
`x`, `final-heal` ends everything, and the period is grey. An action that reports an error mends nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from history.nemesis import (
    FINAL_HEAL,
    FaultKind,
    FaultKinds,
    NemesisAction,
    NemesisCompletion,
    read_completion,
)
from reports.spans import Span
from reports.text import short, shorten

MAX_LINKS = 12
MAX_DETAILS = 8
GREY = "other"


@dataclass(frozen=True)
class FaultPeriod:
    """Something was broken from `begin` to `end`, in nanoseconds since the run began."""

    kind: str
    begin: int
    end: int
    operation: int
    """The id of the operation that broke it."""
    nodes: tuple[str, ...]
    label: str
    """What was broken, in a few words: `kill n1 (leader)`."""
    healed: bool
    """False where the record ends with it still broken."""
    hue: str = GREY
    """The CSS class that colours it: that of the fault's family."""


@dataclass(frozen=True)
class NemesisRow:
    """One nemesis operation as the log shows it."""

    span: Span
    target: str
    nodes: tuple[str, ...]
    effect: str
    """`took effect`, `no effect`, `failed`, or `not known` where the completion says nothing of it."""
    details: tuple[str, ...]


def fault_periods(
    nemesis: Sequence[Span], end_of_run: int, kinds: Sequence[FaultKind] = ()
) -> list[FaultPeriod]:
    """The periods of a run's nemesis operations (in order), by begin; open ones last until `end_of_run`."""
    periods = _Periods(FaultKinds(kinds), end_of_run)
    for span in nemesis:
        periods.add(span)
    return periods.all()


@dataclass
class _OpenPeriod:
    """A period that has begun; `left` are the nodes still broken (empty: not known by node)."""

    period: FaultPeriod
    left: set[str] = field(default_factory=set)


class _Periods:
    """The periods so far, of operations in their order."""

    def __init__(self, kinds: FaultKinds, end_of_run: int) -> None:
        self._kinds = kinds
        self._end_of_run = end_of_run
        self._open: list[_OpenPeriod] = []
        self._closed: list[FaultPeriod] = []

    def all(self) -> list[FaultPeriod]:
        """All periods by begin; those that are still open are not healed."""
        found = [*self._closed, *(one.period for one in self._open)]
        return sorted(found, key=lambda period: (period.begin, period.operation))

    def add(self, span: Span) -> None:
        """Go on by one operation."""
        done, kind = read_completion(span.result), self._kinds.begun_by(span.f)
        at = self._end_of_run if span.end is None else span.end
        not_mended: set[str] = set()
        for action in done.actions:  # in their order: a restart both kills and starts
            if kind is not None and action.kind in kind.begun_by and action.took_effect is not False:
                self._begin(span, kind.name, kind.family, done, _hit(action))
            not_mended |= self._end_by(action, at)
        if span.f == FINAL_HEAL:
            for name in {one.period.kind for one in self._open} - not_mended:
                self._close(name, set(), at)
        elif (healed := self._kinds.healed_by(span.f)) is not None:
            if healed not in not_mended and not self._ends_by_node(healed, done):
                self._close(healed, set(), at)
        elif self._begins_as_a_whole(span, kind, done):
            nodes = tuple(dict.fromkeys(node for action in done.actions for node in _hit(action)))
            self._begin(span, span.f, GREY if kind is None else kind.family, done, nodes)

    def _begins_as_a_whole(self, span: Span, kind: FaultKind | None, done: NemesisCompletion) -> bool:
        """Whether an operation begins a period of which no action says so."""
        if kind is not None:
            was_cut_short = span.end is None or not isinstance(span.result, dict | list)
            return was_cut_short and not done.actions and bool(kind.begun_by)
        took_no_effect = bool(done.actions) and all(action.took_effect is False for action in done.actions)
        return not took_no_effect and not done.facts  # a fault with a course of its own leaves nothing broken

    def _begin(
        self, span: Span, name: str, hue: str, done: NemesisCompletion, nodes: tuple[str, ...]
    ) -> None:
        period = FaultPeriod(
            kind=name,
            begin=span.begin,
            end=self._end_of_run,
            operation=span.index,
            nodes=nodes,
            label=_label(name, span, done, nodes),
            healed=False,
            hue=hue,
        )
        self._open.append(_OpenPeriod(period, left=set(nodes)))

    def _end_by(self, action: NemesisAction, at: int) -> set[str]:
        """End what one action mends; the names of the faults that it would have mended without its error."""
        mended = {name for name in self._names_open() if action.kind in self._ended_by(name)}
        if action.error:
            return mended
        for name in mended:
            self._close(name, set(action.nodes), at)
        return set()

    def _close(self, name: str, nodes: set[str], at: int) -> None:
        """End what is open of a fault; of some nodes only, where both sides name nodes."""
        for one in [one for one in self._open if one.period.kind == name]:
            if nodes and one.left:
                one.left -= nodes
                if one.left:
                    continue
            self._open.remove(one)
            self._closed.append(replace(one.period, end=at, healed=True))

    def _ends_by_node(self, name: str, done: NemesisCompletion) -> bool:
        """Whether the actions of a healing operation have named the nodes that they mended."""
        return any(action.kind in self._ended_by(name) for action in done.actions)

    def _ended_by(self, name: str) -> tuple[str, ...]:
        kind = self._kinds.named(name)
        return () if kind is None else kind.ended_by

    def _names_open(self) -> set[str]:
        return {one.period.kind for one in self._open}


def _hit(action: NemesisAction) -> tuple[str, ...]:
    """The nodes that an action names; of one that waited for its node, the one that it changed at last."""
    changed = action.details.get("changed")
    if action.nodes or not isinstance(changed, list):
        return action.nodes
    return tuple(node for node in changed if isinstance(node, str))


def _target(span: Span) -> str:
    for value in (span.result, span.argument):
        if isinstance(value, dict) and value.get("target") is not None:
            return str(value["target"])
        if isinstance(value, str):
            return value
    return ""


def _label(name: str, span: Span, done: NemesisCompletion, nodes: tuple[str, ...]) -> str:
    target = _target(span)
    if not nodes and done.leader and "leader" in target:
        nodes = (done.leader,)
    words = [name, ", ".join(nodes) if nodes else target]
    if nodes and target and target not in nodes:
        words.append(f"({target})")
    return shorten(" ".join(word for word in words if word), 60)


def took_effect(span: Span) -> bool | None:
    """Whether any of its actions took effect; None where the completion does not say."""
    known = [
        action.took_effect
        for action in read_completion(span.result).actions
        if action.took_effect is not None
    ]
    return any(known) if known else None


def is_fault(span: Span, kinds: Sequence[FaultKind] = ()) -> bool:
    """Whether a nemesis operation is meant to break something, not to mend it."""
    return not FaultKinds(kinds).is_healing(span.f)


def nemesis_rows(nemesis: Sequence[Span], kinds: Sequence[FaultKind] = ()) -> list[NemesisRow]:
    """The nemesis's log: what each operation aimed at, what it hit, and whether that took effect."""
    rows, known = [], FaultKinds(kinds)
    for span in nemesis:
        actions = read_completion(span.result).actions
        nodes = dict.fromkeys(node for action in actions for node in _hit(action))
        errors = [action.error for action in actions if action.error]
        effect = {True: "took effect", False: "no effect", None: "not known"}[took_effect(span)]
        if (errors or span.error) and effect != "took effect":
            effect = "failed"
        details = [words for action in actions for words in _details(action, known.verb(span.f, action.kind))]
        rows.append(
            NemesisRow(
                span=span,
                target=_target(span),
                nodes=tuple(nodes),
                effect=effect,
                details=(*details, *errors, *([span.error] if span.error else [])),
            )
        )
    return rows


def _details(action: NemesisAction, verb: str) -> Iterator[str]:
    """What one action did, besides the nodes that it names."""
    if action.links:
        shown = ", ".join(f"{a}→{b}" for a, b in action.links[:MAX_LINKS])
        more = f" and {len(action.links) - MAX_LINKS} more" if len(action.links) > MAX_LINKS else ""
        yield f"{verb} {shown}{more}"
    for name, value in action.asked.items():
        yield f"{str(name).replace('_', ' ')}: {_value(value)}"
    details = [(str(name), value) for name, value in action.details.items()]
    if action.links:
        details = [(name, value) for name, value in details if name != "cut"]
    for name, value in details[:MAX_DETAILS]:
        if value:
            yield f"{name.replace('_', ' ')}: {_value(value)}"


def _value(value: Any) -> str:
    """A list of names as names; anything else as it is."""
    is_names = (
        isinstance(value, list) and len(value) <= MAX_LINKS and all(isinstance(name, str) for name in value)
    )
    return ", ".join(value) if is_names else short(value)
