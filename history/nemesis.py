"""What the history keeps of the nemesis: the kinds of faults of a run, and the value of a completion.

A nemesis completion is always `info`, with the value

```
{"target": what the invocation aimed at,          absent where it aimed at nothing
 "leader": the leader just before, or null, "term": in which term, or null,
 "actions": [{"kind": "Kill", "nodes": [...], "links": [[from, to], ...],
              "with": {...},                          what else was asked for; absent if nothing
              "took_effect": bool, "details": {...}, "error": why not, or null}],
 NAME: {...}}                                         the facts of a fault with a course of its own
```

`took_effect` is what the world observed, not what it was asked for. Reading is lenient: whatever is missing
or has another type reads as absent, so that a damaged or foreign history gives fewer facts and never an
exception.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

FINAL_HEAL = "final-heal"


class FaultKind(msgspec.Struct, frozen=True, omit_defaults=True):
    """One kind of fault of a run, as far as reports and checkers must know it; part of test.json."""

    name: str
    begin: str
    """The operation that breaks."""
    end: str
    """The operation that heals."""
    about: str = ""
    family: str = "other"
    """The colour that reports give it."""
    begun_by: tuple[str, ...] = ()
    """The kinds of actions that begin its period."""
    ended_by: tuple[str, ...] = ()
    """The kinds of actions that end its period for the nodes that they name."""
    verbs: Mapping[str, str] = {}
    """By kind of action: its words, which the nodes or links follow."""


class NemesisAction(msgspec.Struct, frozen=True):
    """One action of a nemesis operation, and what came of it."""

    kind: str
    """The name of the action's type: `Cut`, `Kill`, ..."""
    nodes: tuple[str, ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    asked: Mapping[str, Any] = {}
    """What else was asked for; `with` in the stored value."""
    took_effect: bool | None = None
    """None where the completion does not say."""
    details: Mapping[str, Any] = {}
    error: str | None = None

    def stored(self) -> dict[str, Any]:
        """The action as a completion's value holds it."""
        return {
            "kind": self.kind,
            "nodes": list(self.nodes),
            "links": [list(link) for link in self.links],
            **({"with": dict(self.asked)} if self.asked else {}),
            "took_effect": self.took_effect,
            "details": dict(self.details),
            "error": self.error,
        }


class NemesisCompletion(msgspec.Struct, frozen=True):
    """The value of a nemesis completion."""

    target: Any = None
    """What the invocation aimed at; None where it aimed at nothing."""
    leader: str | None = None
    """The leader just before, as far as it was known."""
    term: int | None = None
    actions: tuple[NemesisAction, ...] = ()
    facts: Mapping[str, Mapping[str, Any]] = {}
    """By fault: what one with a course of its own keeps besides."""

    def stored(self) -> dict[str, Any]:
        """The value as the history keeps it."""
        return {
            **({"target": self.target} if self.target is not None else {}),
            "leader": self.leader,
            "term": self.term,
            "actions": [action.stored() for action in self.actions],
            **{name: dict(facts) for name, facts in self.facts.items()},
        }


def read_completion(value: Any) -> NemesisCompletion:
    """A completion's value, as far as it can be read; of anything else, one without facts."""
    if not isinstance(value, Mapping):
        return NemesisCompletion()
    actions, term = value.get("actions"), value.get("term")
    return NemesisCompletion(
        target=value.get("target"),
        leader=_text(value.get("leader")),
        term=term if isinstance(term, int) else None,
        actions=tuple(_action(item) for item in actions if isinstance(item, Mapping))
        if isinstance(actions, list | tuple)
        else (),
        facts={
            name: facts
            for name, facts in value.items()
            if isinstance(name, str) and isinstance(facts, Mapping) and name != "target"
        },
    )


def _action(item: Mapping[Any, Any]) -> NemesisAction:
    took_effect = item.get("took_effect")
    return NemesisAction(
        kind=_text(item.get("kind")) or "",
        nodes=tuple(node for node in _items(item.get("nodes")) if isinstance(node, str)),
        links=tuple(
            (link[0], link[1])
            for link in _items(item.get("links"))
            if isinstance(link, list | tuple) and len(link) == 2 and all(isinstance(end, str) for end in link)
        ),
        asked=_mapping(item.get("with")),
        took_effect=took_effect if isinstance(took_effect, bool) else None,
        details=_mapping(item.get("details")),
        error=_text(item.get("error")),
    )


def _items(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else ()


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
