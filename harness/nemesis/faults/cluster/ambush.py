"""Ambush: act on a leader at the worst moment: as it appears, or between its append and the commit.

`new-leader` kills or pauses the present leader and waits for the next one, which is struck the moment it is
seen to lead. `between-append-and-commit` waits for a leader that holds more than it has committed, after it
has committed in its term: a client may be waiting for just that entry.

In the simulated world the moment is exact: nothing else happens between the step that makes it so and the
strike. On real processes it is polled for, as fast as nodes answer, so a strike comes some milliseconds late;
the nodes' traces show what the moment was.
"""

from __future__ import annotations

from harness.generator.draw import Draw
from harness.nemesis.action import Action
from harness.nemesis.fault import Fault
from harness.nemesis.faults.processes.lifecycle import Kill, Pause, Resume, Start
from harness.nemesis.mechanisms.cluster import EXACT_MOMENTS, Moment, Strike
from harness.nemesis.mechanisms.processes import PROCESSES
from harness.nemesis.mechanisms.world import WorldMechanisms
from harness.nemesis.outcome import Outcome
from harness.nemesis.targets import TargetError, target_of
from harness.nemesis.view import ClusterView
from history import Operation

PATIENCE_MS = 2500
POLL_S = 0.002
"""Between two rounds of questions."""


class LieInWait(Action, frozen=True):
    """Strike a leader once it is at some moment; once, within so much time, or never."""

    verb = "wait for a leader"
    moment: Moment
    by: Strike
    after_term: int
    """The leader leads a later term than this."""
    within_ms: int

    def words(self) -> str:
        """For example `kill the leader of a term after 3 once it has just won, within 2500 ms`."""
        until = "it has just won" if self.moment == "new-leader" else "it holds what it has not committed"
        leader = f"the leader of a term after {self.after_term}"
        return f"{self.by} {leader} once {until}, within {self.within_ms} ms"

    async def carry_out(self, world: WorldMechanisms) -> Outcome:
        """Wait and strike; where the world can strike exactly, the end of the wait reports the strike."""
        if world.has(EXACT_MOMENTS):
            moments = world.mechanism(EXACT_MOMENTS)
            moments.lie_in_wait(self.moment, self.by, self.after_term, self.within_ms)
            return Outcome(took_effect=False, details={"outcome": "lies in wait"})
        processes = world.mechanism(PROCESSES)
        deadline = world.now_s() + self.within_ms / 1000
        while world.now_s() < deadline:
            view = await world.observe()
            leader = self.leader_at_moment(view)
            if leader is not None:
                seen = view.nodes[leader]
                if self.by == "kill":
                    struck = await world.on_each((leader,), lambda node: processes.kill(node, by="ambush"))
                else:
                    struck = await world.on_each((leader,), processes.pause)
                return struck.with_details(term=seen.term, commit=seen.commit, last=seen.last)
            await world.sleep(POLL_S)
        return Outcome(took_effect=False, details={"waited_ms": self.within_ms})

    def leader_at_moment(self, view: ClusterView) -> str | None:
        """The leader that is at the moment now, if one is."""
        leader = view.leader()
        if leader is None:
            return None
        seen = view.nodes[leader]
        if (seen.term or 0) <= self.after_term:
            return None
        return leader if self.moment == "new-leader" or seen.last > seen.commit else None


class EndAmbush(Action, frozen=True):
    """Wait for a leader no longer; report which leader was struck, where that was not reported before."""

    verb = "end the ambush of"
    nodes: tuple[str, ...]

    async def carry_out(self, world: WorldMechanisms) -> Outcome:
        """Took effect if a leader was struck."""
        if not world.has(EXACT_MOMENTS):
            return Outcome(took_effect=False)  # the wait itself has reported
        struck = world.mechanism(EXACT_MOMENTS).end_wait()
        return Outcome(struck is not None, struck or {})


class AmbushPlanner:
    """`ambush` with the moment as its target; `heal-ambush` ends the wait, starts and resumes all nodes."""

    def plan(self, operation: Operation, view: ClusterView, draw: int) -> tuple[Action, ...]:
        """Make the moment come, where it does not by itself, and wait for it."""
        every = tuple(view.nodes)
        if operation.f == "heal-ambush":
            return (EndAmbush(every), Resume(every), Start(every))
        by: Strike = "kill" if Draw(draw).chance(2, 3, "by") else "pause"
        leader = view.leader()
        term = 0 if leader is None else view.nodes[leader].term or 0
        match target_of(operation):
            case "new-leader":
                wait = LieInWait("new-leader", by, term, PATIENCE_MS)
                if leader is None:
                    return (wait,)
                return (Kill((leader,)) if by == "kill" else Pause((leader,)), wait)
            case "between-append-and-commit":
                return (LieInWait("uncommitted", by, 0, PATIENCE_MS),)
            case other:
                raise TargetError(f"no ambush is called {other!r}; there are {', '.join(AMBUSH.targets)}")


AMBUSH = Fault(
    name="ambush",
    about="kills or pauses a leader as it appears, or between its append and the commit",
    begin="ambush",
    end="heal-ambush",
    targets=("new-leader", "between-append-and-commit"),
    planner=AmbushPlanner(),
    actions=(LieInWait, EndAmbush, Kill, Pause, Resume, Start),
    mechanisms=(PROCESSES,),
    evidence="the exit status or /proc; the leader's term, commit and last index when it was seen",
    proof="node met",
    family="kill",
    begun_by=(LieInWait, Kill, Pause),
)
