"""What is declared of a seeded bug: what it breaks, who catches it, and what may follow from it."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from node_impl.core.build import Parts


class Mutant(msgspec.Struct, frozen=True):
    """One seeded bug. Its file, `harness/mutants/<module>.py`, exports `PARTS`."""

    name: str
    about: str
    """What the node does wrong, in one line."""
    caught_by: str
    """The checker whose property it breaks."""
    source: str
    """Which rule it breaks, or where it was seen."""
    options: tuple[str, ...] = ()
    """Options of `ackproof run` that are known to expose it; empty where only the simulator is known to."""
    also: tuple[str, ...] = ()
    """Checkers that may rightly report its consequences, `caught_by` among them or not; any other that does
    is wrong."""
    seed: int = 0
    """Of `ackproof sim`, with this workload and these faults: a schedule that is known to expose it."""
    workload: str = "registry"
    """What clients have to do for it to show."""
    faults: tuple[str, ...] | None = None
    """What the nemesis of the simulated world has to do for it to show; None: left to the seeds."""

    @property
    def module(self) -> str:
        """Where its one rule is overridden."""
        return f"harness.mutants.{self.name.replace('-', '_')}"

    def parts(self) -> Parts:
        """The node's parts, one of them with the bug.

        Imported only here, since the harness meets nodes as processes and never loads their code.
        """
        parts: Parts = importlib.import_module(self.module).PARTS
        return parts


CLIENTS = (
    "durability",
    "linearizability",
    "index-honesty",
    "session-guarantees",
    "bounded-staleness",
)
"""What clients see of anything that went wrong."""
LOGS = (
    "log-matching",
    "leader-completeness",
    "state-machine-safety",
    "commit-monotonic",
    "committed-never-truncated",
    "durable-before-acknowledge",
    "snapshot-safety",
    "recovery",
    "conformance",
    "node-health",
)
"""What follows where logs or commitIndex are wrong; nodes may then even refuse one another for good, or end
themselves where they meet what cannot be."""
ELECTIONS = ("election-safety", "one-vote-a-term", "term-monotonic", "membership", "conformance")
"""What follows where votes or terms are forgotten."""
DISK = ("durable-log", "node-health", "conformance")
"""What follows where the disk holds other than the node believes; a node may then meet what cannot be."""
