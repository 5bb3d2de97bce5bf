"""The seeded bugs by name: what each breaks, who catches it, and the weather that shows it."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from node_impl.build import Parts


class Mutant(msgspec.Struct, frozen=True):
    """One seeded bug. Its file, `harness/mutants/<module>.py`, exports `PARTS`."""

    name: str
    about: str
    """What the node does wrong, in one line."""
    caught_by: str
    """The checker whose property it breaks."""
    options: tuple[str, ...]
    """Options of `ackproof run` that are known to expose it."""
    source: str
    """Which rule it breaks, or where it was seen."""

    def parts(self) -> Parts:
        """The node's parts, one of them with the bug.

        Imported only here, since the harness meets nodes as processes and never loads their code.
        """
        module = importlib.import_module(f"harness.mutants.{self.name.replace('-', '_')}")
        parts: Parts = module.PARTS
        return parts


MUTANTS: dict[str, Mutant] = {
    mutant.name: mutant
    for mutant in (
        Mutant(
            name="acknowledge-early",
            about="the leader answers ok before a majority holds the write",
            caught_by="durability",
            options=("--nemesis", "partition:isolate-leader"),
            source="Raft, section 5.3: the leader applies and answers once the entry is committed",
        ),
        Mutant(
            name="vote-twice",
            about="a node votes for whoever asks, also twice in one term",
            caught_by="one-vote-a-term",
            options=("--nemesis", "kill:leader,partition:majorities-ring"),
            source="Raft, section 5.2: at most one vote a term",
        ),
        Mutant(
            name="forgetful",
            about="a node that restarts has forgotten its vote, and its term is 0 again",
            caught_by="term-monotonic",
            options=("--nemesis", "kill"),
            source="Raft, Figure 2: currentTerm and votedFor are persistent",
        ),
        Mutant(
            name="buffered-log",
            about="the log stays in the process's own buffer while writes are acknowledged",
            caught_by="durability",
            options=("--nemesis", "kill:all"),
            source="Raft, Figure 2: updated on stable storage before responding to RPCs",
        ),
        Mutant(
            name="unconfirmed-reads",
            about="a leader answers lookups without asking whether it still leads",
            caught_by="linearizability",
            options=("--nemesis", "partition:isolate-leader"),
            source="Raft, section 8: a leader exchanges heartbeats with a majority before it answers a read",
        ),
        Mutant(
            name="discard-on-election",
            about="a new leader throws away what it does not know to be committed",
            caught_by="committed-never-truncated",
            options=("--nemesis", "kill:leader"),
            source="Raft, Figure 3, Leader Append-Only: a leader never deletes entries of its log",
        ),
    )
}
