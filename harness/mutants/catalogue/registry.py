"""What the registry makes of its entries, and the known ways of the Raft that Nacos had before 1.4."""

from __future__ import annotations

from harness.mutants.mutant import CLIENTS, Mutant

REGISTRY = (
    Mutant(
        name="apply-before-commit",
        about="the leader changes its registry when a write is proposed, before anybody agreed",
        caught_by="linearizability",
        source="the Raft of Nacos before 1.4 applied locally before it replicated",
        also=CLIENTS,
    ),
    Mutant(
        name="deregister-forgotten",
        about="some deregistrations are confirmed and not done",
        caught_by="linearizability",
        source="the registry's own meaning: deregister removes by key",
        also=CLIENTS,
    ),
)
