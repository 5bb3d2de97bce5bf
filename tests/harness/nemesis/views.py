"""Views of clusters for the planners' tests."""

from __future__ import annotations

from hypothesis import strategies as st

from harness.nemesis.view import ClusterView, NodeView
from history import Operation


def view(size: int, leader: str | None = None, down: tuple[str, ...] = ()) -> ClusterView:
    """Nodes n1..n<size>, all up but those in `down`."""
    return ClusterView(
        {
            name: NodeView(
                running=name not in down,
                role=None if name in down else "leader" if name == leader else "follower",
                term=3,
            )
            for name in (f"n{number}" for number in range(1, size + 1))
        }
    )


def invocation(f: str, target: object = None) -> Operation:
    """A nemesis operation as a planner gets it."""
    return Operation(0, 0, -1, "invoke", f, value=None if target is None else {"target": target})


draws = st.integers(0, 2**64 - 1)
sizes = st.integers(2, 9)
