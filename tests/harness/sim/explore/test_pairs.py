"""Steps in which a node takes two events, and writes and sends only afterwards."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from harness.sim.explore.counterexample import load, save, walk
from harness.sim.explore.node.steps import Both, Sync, Take
from harness.sim.explore.scope import Scope
from harness.sim.explore.search import SearchResult, search
from harness.sim.explore.space import Space
from node_impl.core.build import DEFAULT_PARTS, Parts
from node_impl.core.raft.elections import Elections

ONE_BY_ONE = Scope(nodes=3, elections=2, proposals=0, pre_vote=False)
PAIRS = Scope(nodes=3, elections=2, proposals=0, pairs=1, pre_vote=False)
ONE_ENTRY_A_MESSAGE = Scope(nodes=2, elections=1, proposals=2, batch=1, pairs=1, pre_vote=False, disk="any")
SMALL = Scope(nodes=2, elections=2, proposals=0, pairs=1, pre_vote=False, disk="any")


class _LooksAtTheDisk(Elections):
    """Gives its vote while none is on disk: wrong only where two ask before it has written."""

    def vote_is_free_for(self, candidate: str) -> bool:
        return self._state.outbox.durable.vote in (None, candidate)


BROKEN: Parts = replace(DEFAULT_PARTS, elections=_LooksAtTheDisk)


def found(scope: Scope, parts: Parts = DEFAULT_PARTS) -> SearchResult:
    return search(Space(scope, parts), lambda _: None)


def test_a_bug_that_shows_only_in_a_step_of_two_events_is_found_and_can_be_taken_again(
    tmp_path: Path,
) -> None:
    assert found(ONE_BY_ONE, BROKEN).outcome == "verified"
    result = found(PAIRS, BROKEN)
    assert (result.outcome, (result.why or "").partition(":")[0]) == ("violation", "one-vote-a-term")
    walked = walk(PAIRS, BROKEN, result.path)
    assert walked.violation == result.why
    assert ", and in the same step takes " in walked.story[-2]
    file = tmp_path / "steps.json"
    save(file, PAIRS, None, result.path, walked)
    assert load(file).steps == result.path


def test_the_correct_core_keeps_its_promises_where_the_second_event_is_a_message_or_the_disks_answer() -> (
    None
):
    space = Space(SMALL)
    pairs: set[Both] = set()
    known, waiting = {space.first}, [space.first]
    for state in waiting:
        for move, left in space.moves(state):
            event = space.events[move.event]
            if isinstance(event, Both):
                pairs.add(event)
                assert isinstance(event.second, Take | Sync)
                assert not (isinstance(event.first, Sync) and isinstance(event.second, Sync))
                assert space.remaining(state).pairs > 0
            after = space.after(state, move, left)
            assert not isinstance(after, str)
            assert space.wrong_in(after) is None
            if after not in known:
                known.add(after)
                waiting.append(after)
    kinds = {(type(pair.first).__name__, type(pair.second).__name__) for pair in pairs}
    assert kinds >= {("Take", "Take"), ("Sync", "Take"), ("Take", "Sync"), ("TimeOut", "Take")}


def test_what_two_messages_bring_is_written_together() -> None:
    space = Space(ONE_ENTRY_A_MESSAGE)
    grown: set[tuple[int, int]] = set()
    known, waiting = {space.first}, [space.first]
    for state in waiting:
        for move, left in space.moves(state):
            after = space.after(state, move, left)
            assert not isinstance(after, str)
            event = space.events[move.event]
            if isinstance(event, Both) and isinstance(event.first, Take) and isinstance(event.second, Take):
                place = space.names.index(event.node)
                before, now = (space.nodes.things[one.nodes[place]] for one in (state, after))
                grown.add((len(now.log) - len(before.log), len(now.unsynced) - len(before.unsynced)))
            if after not in known:
                known.add(after)
                waiting.append(after)
    assert (2, 1) in grown
    assert max(writes for _, writes in grown) == 1
