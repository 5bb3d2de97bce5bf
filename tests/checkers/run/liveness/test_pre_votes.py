"""A node asks before it stands, where its settings say so, and only there."""

from __future__ import annotations

from typing import Any

import pytest

from checkers.run.liveness.liveness import Liveness
from checkers.run.liveness.pre_votes import judge_pre_votes
from checkers.verdict import Evidence, Validity
from harness.sim.plan.plan import SeedOptions
from harness.sim.plan.swarm import plan_of
from harness.sim.run import run
from history import NodeTrace, TraceEvent
from history.recording import PRE_VOTE
from node_impl.core.build import Parts
from node_impl.core.config import NodeConfig
from node_impl.core.raft.elections import Elections
from tests.checkers.builders import recording

Line = tuple[str, dict[str, Any]]
RESTARTS: Line = ("restart", {"term": 4})
ASKS: tuple[Line, ...] = tuple(("send", {"message": "PreVote", "peer": peer}) for peer in ("n2", "n3"))
STANDS: tuple[Line, ...] = (("term", {"term": 5}), ("vote", {"term": 5, "vote": "n1"}))


def answers(*peers: str) -> tuple[Line, ...]:
    return tuple(("receive", {"message": "PreVoteReply", "peer": peer}) for peer in peers)


def judged(*lines: Line, uses: bool | None = True, nodes: int = 3) -> tuple[Evidence, ...]:
    """What is found in the trace of n1, which is in term 4 at first."""
    usual = {"term": 4, "role": "follower", "commit": 0, "applied": 0, "last": 0, "node": "n1", "life": 1}
    events = tuple(
        TraceEvent(seq=seq, at=seq, event=event, **{**usual, **fields})  # type: ignore[arg-type]  # a line's own fields
        for seq, (event, fields) in enumerate(lines, start=1)
    )
    options = {} if uses is None else {PRE_VOTE: uses}
    names = tuple(f"n{number}" for number in range(1, nodes + 1))
    return judge_pre_votes(
        recording(nodes=names, traces={"n1": NodeTrace("n1", events)}, options=options)
    ).evidence


def test_a_node_with_a_majoritys_answers_may_stand() -> None:
    assert not judged(RESTARTS, *ASKS, *answers("n2"), *STANDS)


@pytest.mark.parametrize("peers", [(), ("n2",), ("n2", "n2"), ("n9", "n8")])
def test_a_node_with_too_few_answers_may_not(peers: tuple[str, ...]) -> None:
    (found,) = judged(RESTARTS, *ASKS, *answers(*peers), *STANDS, nodes=5)
    assert found.title.startswith("n1 stood in term 5 without a majority's answer")


def test_answers_of_an_earlier_term_or_life_do_not_count() -> None:
    moved: Line = ("term", {"term": 4})
    assert judged(("restart", {"term": 3}), *answers("n2", "n3"), moved, *STANDS)
    assert judged(*answers("n2", "n3"), RESTARTS, *STANDS)


def test_voters_alone_count() -> None:
    members: Line = ("configuration", {"members": ("n1", "n2", "n3", "n4", "n5")})
    assert judged(RESTARTS, members, *answers("n2"), *STANDS)
    assert not judged(RESTARTS, members, *answers("n2", "n4"), *STANDS)


def test_a_node_that_its_leader_asked_to_stand_need_not_ask() -> None:
    assert not judged(RESTARTS, ("receive", {"message": "TimeoutNow", "peer": "n2"}), *STANDS)


def test_without_pre_vote_no_node_asks() -> None:
    assert not judged(RESTARTS, *STANDS, uses=False)
    (found,) = judged(RESTARTS, *ASKS, *STANDS, uses=False)
    assert "without pre-vote" in found.title


def test_nothing_is_judged_where_the_settings_are_not_known() -> None:
    assert not judged(RESTARTS, *STANDS, uses=None)


class StandsTheOtherWay(Elections):
    """Asks first where it should stand at once, and the other way round."""

    def stand_if_due(self) -> None:
        settings = self._state.config
        other = NodeConfig(
            heartbeat_ns=settings.heartbeat_ns,
            election_timeout_ns=settings.election_timeout_ns,
            pre_vote=not settings.pre_vote,
        )
        self._state.config = other
        super().stand_if_due()
        self._state.config = settings


def test_a_node_that_does_the_opposite_of_its_settings_is_caught_with_and_without_pre_vote() -> None:
    seen: set[bool] = set()
    for seed in range(20):
        plan = plan_of(seed, SeedOptions(time_limit_s=3))
        ran = run(plan, parts=Parts(elections=StandsTheOtherWay)).recording()
        verdict = Liveness().check(ran)
        kinds = {one.kind for one in verdict.evidence}
        assert verdict.validity is Validity.INVALID
        assert kinds & {"a node stands without asking", "a node asks although it need not"}
        seen.add(ran.options[PRE_VOTE])
        if len(seen) == 2:
            return
    pytest.fail(f"of 20 seeds none has pre-vote {True not in seen}")
