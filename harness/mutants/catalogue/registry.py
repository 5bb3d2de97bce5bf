"""What the registry makes of its entries, and the known ways of the Raft that Nacos had before 1.4."""

from __future__ import annotations

from harness.mutants.mutant import CLIENTS, Mutant

REGISTRY = (
    Mutant(
        name="apply-before-commit",
        about="the leader changes its registry when a write is proposed, before anybody agreed",
        caught_by="linearizability",
        source="the Raft of Nacos before 1.4 applied locally before it replicated",
        also=(*CLIENTS, "snapshot-safety"),
    ),
    Mutant(
        name="deregister-forgotten",
        about="some deregistrations are confirmed and not done",
        caught_by="linearizability",
        source="the registry's own meaning: deregister removes by key",
        also=CLIENTS,
    ),
    Mutant(
        name="update-registers-absent",
        about="an update of an instance that is not there registers it",
        caught_by="linearizability",
        source="Nacos's Go client updates by registering (nacos-sdk-nodejs issue 123)",
        also=CLIENTS,
    ),
    Mutant(
        name="swap-without-compare",
        about="a configuration is replaced whatever it holds, though the client named what it must hold",
        caught_by="linearizability",
        source="the registry's own meaning: casMd5",
        also=("linearizability",),
        workload="config",
    ),
    Mutant(
        name="late-beat-resurrects",
        about="a beat that comes after its instance was removed brings it back",
        caught_by="expiry",
        source="Nacos 1.x registers whoever beats",
        also=("expiry", "linearizability", "index-honesty"),
        workload="ephemeral",
    ),
    Mutant(
        name="expire-by-own-clock",
        about="every node removes whom it has not heard itself, by its own clock",
        caught_by="expiry",
        seed=1,
        source="the registry's own meaning: the leader decides on expiry",
        also=("expiry", "linearizability", "index-honesty", "snapshot-safety"),
        workload="ephemeral",
    ),
    Mutant(
        name="deregister-waits-for-nobody",
        about="a deregistration is answered before a majority holds it",
        caught_by="durable-before-acknowledge",
        source="the Raft of Nacos before 1.4 waited for a majority to publish, and not to delete",
        also=(
            *CLIENTS,
            "durable-before-acknowledge",
            "leader-completeness",
            "committed-never-truncated",
        ),
    ),
    Mutant(
        name="beat-deletes-unknown",
        about="a follower removes what the leader's heartbeat does not know of yet",
        caught_by="linearizability",
        source="the Raft of Nacos before 1.4: keys that are absent from the leader's beat were deleted",
        also=("snapshot-safety", *CLIENTS),
    ),
)
