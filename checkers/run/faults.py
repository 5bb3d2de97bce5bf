"""The nemesis's operations as checkers read them: what was broken, whether it took effect, when it healed.

A nemesis completion's value is `{"target", "leader", "term", "actions": [{"kind", "nodes", "links",
"took_effect", "details", "error"}, ...]}`. Whatever of it is missing or of another type reads as
absent, so that a damaged or foreign history gives fewer facts, never an exception.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from history import History, Operation

FINAL_HEAL = "final-heal"
_HEALING = frozenset({"heal", "start", "resume", FINAL_HEAL})


def is_healing(f: str) -> bool:
    """Whether an operation of the nemesis ends a fault: one of the common names, or `heal-NAME`."""
    return f in _HEALING or f.startswith("heal-")


@dataclass(frozen=True)
class FaultAction:
    """One action of a nemesis operation, as the world reported it."""

    kind: str
    """`Cut`, `Heal`, `Kill`, `Start`, `Pause`, `Resume`."""
    nodes: tuple[str, ...]
    took_effect: bool
    details: Mapping[str, Any]
    error: str | None


@dataclass(frozen=True)
class FaultOperation:
    """One operation of the nemesis that was completed."""

    invocation: Operation
    completion: Operation
    target: str | None
    leader: str | None
    """Who led before it, as far as was known."""
    term: int | None
    actions: tuple[FaultAction, ...]

    @property
    def f(self) -> str:
        """`kill`, `partition`, `heal`, ..."""
        return self.completion.f

    def took(self, kind: str) -> Iterator[FaultAction]:
        """The actions of that kind that took effect."""
        return (action for action in self.actions if action.kind == kind and action.took_effect)


def fault_operations(history: History) -> list[FaultOperation]:
    """Every completed operation of the nemesis, in order."""
    columns = history.columns
    return [
        _read(history.invocation(history[index]), history[index])
        for index in (columns.process < 0).nonzero()[0].tolist()
        if history[index].type != "invoke"
    ]


def _read(invocation: Operation, completion: Operation) -> FaultOperation:
    value = completion.value if isinstance(completion.value, dict) else {}
    actions = value.get("actions")
    return FaultOperation(
        invocation=invocation,
        completion=completion,
        target=_text(value.get("target")),
        leader=_text(value.get("leader")),
        term=value["term"] if isinstance(value.get("term"), int) else None,
        actions=tuple(_action(item) for item in actions if isinstance(item, dict))
        if isinstance(actions, list | tuple)
        else (),
    )


def _action(item: Mapping[str, Any]) -> FaultAction:
    nodes, details = item.get("nodes"), item.get("details")
    return FaultAction(
        kind=_text(item.get("kind")) or "",
        nodes=tuple(node for node in nodes if isinstance(node, str))
        if isinstance(nodes, list | tuple)
        else (),
        took_effect=item.get("took_effect") is True,
        details=details if isinstance(details, dict) else {},
        error=_text(item.get("error")),
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
