"""Which seeds heal only a quorum before the final heal, and what stays broken then."""

from __future__ import annotations

from checkers.run.liveness.bounds import BOUND_ELECTIONS
from harness.nemesis.quorum import QuorumEnd, Trouble
from harness.run.test import Test
from harness.sim.plan.profiles import Profile
from harness.sim.plan.stream import Stream

ONE_IN = 8
"""Such an end takes longer than the rest of a run."""
DRAWN: tuple[Trouble, ...] = ("deaf", "deaf", "deaf", "mute", "cut off", "slow", "paused", "down", "full")
"""Each of these nine is equally likely. A node that hears no other tests most rules: where it leads, it must
notice that it is not answered, and else it campaigns without end."""
STEADY_ELECTIONS = 8
"""For how many election time-outs the quorum must be seen to work, once it has to have a leader."""
STEADY_REQUESTS = 2
"""The same, in times that a node takes to answer a request at the most."""
FULL_MS = 3000
"""How much longer it may take until a disk that is full has refused something."""


def quorum_end(draw: Stream, test: Test, profile: Profile, *, pre_vote: bool) -> QuorumEnd | None:
    """Draw whether a run has such an end, which nodes stay broken, and how.

    No run whose members change has one, since it could not be said beforehand what a quorum is. Of nodes
    that campaign without pre-vote there is one at the most: two could split each election with the quorum.
    """
    if not draw.chance(1, ONE_IN) or "membership" in {fault.partition(":")[0] for fault in test.nemesis}:
        return None
    most = (len(test.nodes) - 1) // 2
    if profile == "many-clients" or not most:  # its long time-outs would take minutes
        return None
    names = list(test.nodes)
    broken: dict[str, Trouble] = {}
    for _ in range(draw.between(1, most)):
        node = names.pop(draw.below(len(names)))
        trouble = draw.choose(DRAWN)
        if trouble in ("deaf", "cut off") and not pre_vote and broken:
            trouble = "paused"
        broken[node] = trouble
    steady_ms = max(STEADY_ELECTIONS * test.election_ms, STEADY_REQUESTS * test.request_timeout_ms)
    full_ms = FULL_MS if "full" in broken.values() else 0
    lasts_ms = BOUND_ELECTIONS * test.election_ms + steady_ms + full_ms
    return QuorumEnd(broken, lasts_ms, at_leader=draw.chance(1, 2))
