"""Fault periods and the nemesis' log, derived from the history alone.

A *period* lasts from the invocation of the operation that broke something to the completion of the
one that mended the last of it, so it is never drawn shorter than the fault was. A fault whose
actions all took no effect has no period; the log lists it and says so.

How a fault ends is read from the actions in the completions (`Kill` of n1 ends with a `Start` of
n1, every `Cut` with a `Heal`). Where a completion is missing (the run was cut short) or names no actions,
the names of the operations decide: `start` ends `kill`, `resume` ends `pause`, `heal` ends
`partition`, `heal-x` ends `x`, and `final-heal` ends everything. An action that reports an error
mends nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from reports.spans import Span
from reports.text import short, shorten

HUES = {
    **dict.fromkeys(("kill", "terminate", "storm"), "kill"),
    **dict.fromkeys(("pause", "slow"), "pause"),
    "partition": "partition",
    **dict.fromkeys(("loss", "delay", "rate", "stall", "reset", "duplicate", "reorder", "corrupt"), "wire"),
    **dict.fromkeys(("clock", "drift", "strobe"), "clock"),
    **dict.fromkeys(
        ("power", "full", "disk-error", "slow-disk", "torn", "rot", "truncate", "rollback", "disk"), "disk"
    ),
    **dict.fromkeys(("descriptors", "memory"), "limit"),
}
"""The hue of each fault is its family's; any other is drawn in grey and named."""
_NAMED_BY_OPERATION = frozenset(
    {"Impair", "LosePower", "BreakDisk", "Damage", "BackUp", "Limit", "DriftClock", "StrobeClock"}
)
"""Actions that several faults share: which one it was the operation says."""
_KIND_OF_ACTION = {
    "Kill": "kill",
    "Pause": "pause",
    "Cut": "partition",
    "Terminate": "terminate",
    "Slow": "slow",
    "Lose": "loss",
    "SetClock": "clock",
}
_ENDED_BY_ACTION = {"Start": "kill", "Resume": "pause", "Heal": "partition"}
_STEPS = ("change-membership",)
"""They leave nothing broken, whatever they did."""
_ENDED_BY_F = {"start": "kill", "resume": "pause", "heal": "partition"}


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

    @property
    def hue(self) -> str:
        """The CSS class that colours it."""
        return HUES.get(self.kind, "other")


@dataclass(frozen=True)
class NemesisRow:
    """One nemesis operation as the log shows it."""

    span: Span
    target: str
    nodes: tuple[str, ...]
    effect: str
    """`took effect`, `no effect`, `failed`, or `not known` where the completion says nothing of it."""
    details: tuple[str, ...]


@dataclass
class _Open:
    """A period that has begun; `left` are the nodes still broken (empty: not known by node)."""

    period: FaultPeriod
    left: set[str] = field(default_factory=set)


def actions_of(span: Span) -> list[Mapping[str, Any]]:
    """The actions that a nemesis completion lists; none where it lists none."""
    value = span.result
    listed = value.get("actions") if isinstance(value, Mapping) else None
    return [action for action in listed if isinstance(action, Mapping)] if isinstance(listed, list) else []


def fault_periods(nemesis: Sequence[Span], end_of_run: int) -> list[FaultPeriod]:
    """The periods of a run's nemesis operations (in order), by begin; open ones last until `end_of_run`."""
    open_: list[_Open] = []
    closed: list[FaultPeriod] = []

    def close(kind: str, nodes: set[str], at: int) -> None:
        """End what is open of a kind; of some nodes only, where both sides name nodes."""
        for one in list(open_):
            if one.period.kind != kind:
                continue
            if nodes and one.left and kind != "partition":
                one.left -= nodes
                if one.left:
                    continue
            open_.remove(one)
            closed.append(replace(one.period, end=at, healed=True))

    for span in nemesis:
        at = end_of_run if span.end is None else span.end
        actions = actions_of(span)
        unmended: set[str] = set()
        for action in actions:  # in their order: a restart both kills and starts
            open_.extend(_begun(span, action, end_of_run))
            ended = _ENDED_BY_ACTION.get(str(action.get("kind")))
            if ended is None:
                continue
            if action.get("error"):
                unmended.add(ended)
            else:
                close(ended, set(_nodes(action)), at)
        if span.f == "final-heal":
            for kind in {one.period.kind for one in open_} - unmended:
                close(kind, set(), at)
        elif not actions and span.f in _ENDED_BY_F:
            close(_ENDED_BY_F[span.f], set(), at)
        elif span.f.startswith("heal-"):
            close(span.f.removeprefix("heal-"), set(), at)
        elif not actions and span.f not in _STEPS:
            label = _label(span.f, span, ())
            open_.append(_Open(FaultPeriod(span.f, span.begin, end_of_run, span.index, (), label, False)))

    closed.extend(one.period for one in open_)
    return sorted(closed, key=lambda period: (period.begin, period.operation))


def _begun(span: Span, action: Mapping[str, Any], end_of_run: int) -> list[_Open]:
    """The period that an action begins, if it begins one."""
    name = str(action.get("kind"))
    kind = span.f if name in _NAMED_BY_OPERATION else _KIND_OF_ACTION.get(name)
    if kind is None or not action.get("took_effect", True):
        return []
    nodes = _nodes(action)
    period = FaultPeriod(
        kind=kind,
        begin=span.begin,
        end=end_of_run,
        operation=span.index,
        nodes=nodes,
        label=_label(kind, span, nodes),
        healed=False,
    )
    return [_Open(period, left=set(nodes))]


def _nodes(action: Mapping[str, Any]) -> tuple[str, ...]:
    listed = action.get("nodes")
    return tuple(str(node) for node in listed) if isinstance(listed, list | tuple) else ()


def _links(action: Mapping[str, Any]) -> list[tuple[str, str]]:
    listed = action.get("links")
    if not isinstance(listed, list | tuple):
        return []
    return [
        (str(link[0]), str(link[1])) for link in listed if isinstance(link, list | tuple) and len(link) == 2
    ]


def _target(span: Span) -> str:
    for value in (span.result, span.argument):
        if isinstance(value, Mapping) and value.get("target") is not None:
            return str(value["target"])
        if isinstance(value, str):
            return value
    return ""


def _label(kind: str, span: Span, nodes: tuple[str, ...]) -> str:
    target = _target(span)
    if not nodes and isinstance(span.result, Mapping) and span.result.get("leader") and "leader" in target:
        nodes = (str(span.result["leader"]),)
    words = [kind, ", ".join(nodes) if nodes else target]
    if nodes and target and target not in nodes:
        words.append(f"({target})")
    return shorten(" ".join(word for word in words if word), 60)


def took_effect(span: Span) -> bool | None:
    """Whether any of its actions took effect; None where the completion does not say."""
    told = [bool(action["took_effect"]) for action in actions_of(span) if "took_effect" in action]
    return any(told) if told else None


def is_fault(span: Span) -> bool:
    """Whether a nemesis operation is meant to break something, not to mend it."""
    return span.f != "final-heal" and span.f not in _ENDED_BY_F and not span.f.startswith("heal-")


def nemesis_rows(nemesis: Sequence[Span]) -> list[NemesisRow]:
    """The nemesis' log: what each operation aimed at, what it hit, and whether that took effect."""
    rows = []
    for span in nemesis:
        actions = actions_of(span)
        nodes = dict.fromkeys(node for action in actions for node in _nodes(action))
        errors = [str(action["error"]) for action in actions if action.get("error")]
        effect = {True: "took effect", False: "no effect", None: "not known"}[took_effect(span)]
        if (errors or span.error) and effect != "took effect":
            effect = "failed"
        rows.append(
            NemesisRow(
                span=span,
                target=_target(span),
                nodes=tuple(nodes),
                effect=effect,
                details=(*_details(actions), *errors, *([span.error] if span.error else [])),
            )
        )
    return rows


def _details(actions: Sequence[Mapping[str, Any]]) -> list[str]:
    said = []
    for action in actions:
        links = _links(action)
        if links:
            shown = ", ".join(f"{a}→{b}" for a, b in links[:12])
            said.append(f"cut {shown}" + (f" and {len(links) - 12} more" if len(links) > 12 else ""))
        asked = action.get("with")
        if isinstance(asked, Mapping):
            said.extend(f"{name.replace('_', ' ')}: {_told(value)}" for name, value in asked.items())
        details = action.get("details")
        if isinstance(details, Mapping):
            told = [(str(name), value) for name, value in details.items() if not (links and name == "cut")]
            said.extend(f"{name.replace('_', ' ')}: {_told(value)}" for name, value in told[:8] if value)
    return said


def _told(value: Any) -> str:
    """A list of names as names; anything else as it is."""
    is_names = isinstance(value, list) and len(value) <= 12 and all(isinstance(name, str) for name in value)
    return ", ".join(value) if is_names else short(value)
