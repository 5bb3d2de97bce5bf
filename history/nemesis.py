"""What the history keeps of the nemesis: the kinds of faults of a run, and the value of a completion.

A nemesis completion is always `info`, with the value

```
{"target": what the invocation aimed at,          absent where it aimed at nothing
 "leader": the leader just before, or null, "term": in which term, or null,
 "actions": [{"kind": "Kill", "nodes": [...], "links": [[from, to], ...],
              "with": {...},                          what else was asked for; absent if nothing
              "took_effect": bool, or null where it was put in place and showed no effect by then,
              "details": {...}, "error": why not, or null}],
 NAME: {...}}                                         the facts of a fault with a course of its own
```

`took_effect` is what the world observed, not what it was asked for. Reading is lenient: whatever is missing
or has another type reads as absent, so that a damaged or foreign history gives fewer facts and never an
exception.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

FINAL_HEAL = "final-heal"
HEAL_QUORUM = "heal-quorum"
"""Heals all faults, and breaks a minority of the nodes until the final heal."""

Proof = Literal["effect", "leader lost", "traffic lost", "members changed", "node met"]
"""What shows that a fault took effect, by which the checker `vacuity` judges: an action of its operations
that took effect; where a leader was aimed at, a leader that was met, and one of a later term; messages lost
on cut links; members that the nodes committed; a node that was waited for and met."""


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
    proof: Proof | None = None
    """What shows that it took effect; None for runs that were stored without it."""
    requires: tuple[str, ...] = ()
    """The checkers without which a run with this fault proves nothing, if the workload has them."""


_ENDS_WITHOUT_PREFIX = {"start": "kill", "resume": "pause", "heal": "partition"}
"""Operations that heal and are not called `heal-NAME`, for runs stored without the kinds of their faults."""


class FaultKinds:
    """The kinds of faults of a run, by operation.

    Of a fault that is not among them (a run stored before kinds were kept, a foreign history) only the names
    of its operations are known: `heal-x` heals `x`.
    """

    def __init__(self, kinds: Sequence[FaultKind] = ()) -> None:
        self._by_begin = {kind.begin: kind for kind in kinds}
        self._by_end = {kind.end: kind for kind in kinds}
        self._by_name = {kind.name: kind for kind in kinds}

    def named(self, name: str) -> FaultKind | None:
        """The kind of this name."""
        return self._by_name.get(name)

    def begun_by(self, f: str) -> FaultKind | None:
        """The kind that an operation breaks by."""
        return self._by_begin.get(f)

    def healed_by(self, f: str) -> str | None:
        """The name of the one fault that an operation heals; None if it heals none, or is the final heal."""
        if f in self._by_end:
            return self._by_end[f].name
        if f in self._by_begin or f == FINAL_HEAL:
            return None
        return f.removeprefix("heal-") if f.startswith("heal-") else _ENDS_WITHOUT_PREFIX.get(f)

    def is_healing(self, f: str) -> bool:
        """Whether an operation of the nemesis ends faults."""
        return f == FINAL_HEAL or self.healed_by(f) is not None

    def verb(self, fault: str, kind: str) -> str:
        """The words of a kind of action: `LosePower` is "lose power" where no other words are known."""
        known = self._by_begin.get(fault) or self._by_end.get(fault)
        given = known.verbs.get(kind) if known is not None else None
        if given is None:
            given = next((one.verbs[kind] for one in self._by_name.values() if kind in one.verbs), None)
        return given or re.sub(r"\B([A-Z])", r" \1", kind).lower()


def read_fault_kinds(stored: Any) -> tuple[FaultKind, ...]:
    """The kinds that test.json holds; those that cannot be read are left out."""
    found = []
    for item in _items(stored):
        try:
            found.append(msgspec.convert(item, FaultKind))
        except msgspec.ValidationError:
            continue
    return tuple(found)


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
