"""Which nodes a fault hits: one, a minority, a majority, the leader, all, or nodes by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.generator.draw import Draw
from harness.nemesis.view import ClusterView
from history import Operation

NODE_TARGETS = ("leader", "one", "minority", "majority", "all")


class TargetError(ValueError):
    """An operation names a target that its fault does not know."""


def target_of(operation: Operation) -> Any:
    """The target of an operation: `value["target"]`.

    Raises:
        TargetError: the operation has no target.
    """
    value = operation.value
    if not isinstance(value, Mapping) or "target" not in value:
        raise TargetError(f'{operation.f} needs a value such as {{"target": "leader"}}, not {value!r}')
    return value["target"]


def aims_at_leader(operation: Operation) -> bool:
    """Whether the target of an operation is the leader, or is chosen by who leads, as in `isolate-leader`."""
    target = operation.value.get("target") if isinstance(operation.value, Mapping) else None
    return isinstance(target, str) and "leader" in target.split("-")


def leader_or_any(view: ClusterView, candidates: Sequence[str], draw: Draw) -> tuple[str, ...]:
    """The leader if it is known and a candidate, else a drawn candidate; none if there are no candidates."""
    leader = view.leader()
    if leader is not None and leader in candidates:
        return (leader,)
    return (draw.choose(candidates, "instead of a leader"),) if candidates else ()


def choose_nodes(target: Any, view: ClusterView, candidates: Sequence[str], draw: Draw) -> tuple[str, ...]:
    """The nodes that a target means now, in node order, all of them candidates.

    Args:
        target: one of `NODE_TARGETS`, a node's name, or a list of names. `minority` is the largest minority
            of the whole cluster, `majority` the smallest majority; fewer are hit where there are fewer
            candidates. `leader` falls back to a drawn candidate while none is known.

    Raises:
        TargetError: no such target or node.
    """
    match target:
        case "one":
            chosen = draw.sample(candidates, min(1, len(candidates)), "nodes")
        case "minority":
            chosen = draw.sample(candidates, min(len(view.nodes) - view.majority(), len(candidates)), "nodes")
        case "majority":
            chosen = draw.sample(candidates, min(view.majority(), len(candidates)), "nodes")
        case "leader":
            chosen = leader_or_any(view, candidates, draw)
        case "all":
            chosen = tuple(candidates)
        case str() if target in view.nodes:
            chosen = (target,)
        case list() | tuple() as names:
            unknown = [name for name in names if name not in view.nodes]
            if unknown:
                raise TargetError(f"no node is called {unknown[0]!r}; there are {', '.join(view.nodes)}")
            chosen = tuple(names)
        case _:
            raise TargetError(
                f"no target is called {target!r}; there are {', '.join(NODE_TARGETS)}, or a list of nodes"
            )
    return tuple(name for name in candidates if name in chosen)
