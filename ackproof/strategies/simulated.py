"""The reference node in virtual time, as a registry that a state machine can test and harm."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ackproof.pytest_plugin import calling

FAULTS = ("kill", "pause", "partition")
DATA_TYPE = "registry"


def simulated_registry(
    *, nodes: int = 3, mutant: str | None = None, faults: Sequence[str] = FAULTS, lease: bool = False
) -> Callable[[], SimulatedRegistry]:
    """Make clients of a registry of simulated nodes, each of a new cluster.

    Args:
        nodes: how many nodes.
        mutant: the seeded bug that they have.
        faults: what may happen to them.
        lease: whether a leader answers reads under a lease.
    """
    options = {
        "world": "sim",
        "nodes": nodes,
        "mutant": mutant,
        "faults": list(faults),
        "lease": lease,
        "data_type": DATA_TYPE,
    }
    folder = tempfile.TemporaryDirectory(prefix="ackproof-registry-")
    numbers = itertools.count()

    def make() -> SimulatedRegistry:
        return SimulatedRegistry(options, Path(folder.name) / str(next(numbers)))

    return make


class SimulatedRegistry:
    """One cluster of simulated nodes. Each operation asks the next node."""

    def __init__(self, options: Mapping[str, Any], folder: Path) -> None:
        self._options = options
        made = self._ask("start", options=dict(options), folder=str(folder))
        self._number = made["cluster"]
        self._nodes = itertools.cycle(made["members"])
        self.faults: Sequence[str] = options["faults"]

    def register(self, key: str, value: str) -> bool:
        """Put a value under a key."""
        return self._change("register", key, value)

    def deregister(self, key: str) -> bool:
        """Remove what is under a key."""
        return self._change("deregister", key, None)

    def lookup(self, key: str) -> str | None:
        """The value under a key, or None.

        Raises:
            TimeoutError: no node answered.
        """
        done = self._perform("lookup", key, None)
        if done["type"] != "ok":
            raise TimeoutError(done["error"])
        found: str | None = done["value"]
        return found

    def begin_fault(self, name: str) -> bool:
        """Let a fault begin at its favourite target, which is the leader; False if it could do nothing."""
        return bool(self._cluster("begin_fault", name=name, target=None, must_show=False)["is_on"])

    def end_fault(self, name: str) -> None:
        """Heal a fault."""
        self._cluster("end_fault", name=name)

    def wait(self, seconds: float) -> None:
        """Let virtual time pass."""
        self._cluster("sleep", seconds=seconds)

    def close(self) -> None:
        """End the nodes."""
        self._cluster("close")

    def _change(self, f: str, key: str, value: str | None) -> bool:
        done = self._perform(f, key, value)
        if done["type"] == "info":
            raise TimeoutError(done["error"])
        return bool(done["type"] == "ok")

    def _perform(self, f: str, key: str, value: str | None) -> dict[str, Any]:
        asked = {"process": 0, "f": f, "key": key, "value": value, "node": next(self._nodes)}
        done: dict[str, Any] = self._cluster("perform", operation=asked)
        return done

    def _cluster(self, request: str, **arguments: Any) -> Any:
        return self._ask(request, cluster=self._number, **arguments)

    def _ask(self, request: str, **arguments: Any) -> Any:
        return calling.ask(request, Path.cwd(), **arguments)
