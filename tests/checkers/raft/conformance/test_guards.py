"""Each guard, both ways: what it allows is accepted, and the step that breaks it is refused by its name."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from checkers.raft.conformance import spec
from checkers.verdict import Validity
from tests.checkers.raft.conformance.behaviour import Behaviour
from tests.checkers.raft.conformance.scenes import deposed, found, judge, settled, unlike, votes_twice


def test_what_the_specification_does_is_valid() -> None:
    b = deposed()
    b.append_entries("n2", "n1", most=0)
    b.deliver()  # n1 is told the newer term, and where the logs differ
    b.synced("n1")
    b["n2"].next_index["n1"] = 3
    b.append_entries("n2", "n1")
    b.deliver()  # its third entry goes, the new leader's comes
    b.synced("n1")
    b.deliver_to("n2", "n1")
    b.advance("n2", 3)
    verdict = judge(b)
    assert verdict.validity is Validity.VALID, verdict
    assert verdict.measures["actions"]["BecomeLeader"] == 2


# ---- guards of a node's own steps --------------------------------------------------------------------


def stands_as_leader(b: Behaviour) -> None:
    i = b["n1"]
    i.current_term, i.state = 2, spec.LEADER
    b.line("n1", "term")


def term_goes_back(b: Behaviour) -> None:
    b["n2"].current_term -= 1
    b.line("n2", "term")


def term_jumps(b: Behaviour) -> None:
    b["n2"].current_term += 2
    b.line("n2", "term")


def leads_without_standing(b: Behaviour) -> None:
    b["n2"].state = spec.LEADER
    b.line("n2", "role")


def leads_without_a_majority(b: Behaviour) -> None:
    b.timeout("n2")
    b.synced("n2")
    leads_without_standing(b)


def leads_before_its_own_vote_is_on_disk(b: Behaviour) -> None:
    b.timeout("n2")
    # The request cannot have left yet; that n3 has it is refused, too.
    b.network += b.waiting["n2"]
    b.deliver_to("n3", "n2")
    b.synced("n3")
    b.deliver_to("n2", "n3")
    leads_without_standing(b)


def votes_of_another_term_counted(b: Behaviour) -> None:
    b.timeout("n2")
    b.synced("n2")
    b.deliver_to("n3", "n2")
    b.synced("n3")
    b.timeout("n2")
    b.synced("n2")
    b.deliver_to("n2", "n3")
    leads_without_standing(b)


def a_follower_takes_a_request(b: Behaviour) -> None:
    i = b["n2"]
    i.log.append((1, "f" * 16))
    b.line("n2", "append", entries=((3, 1, "f" * 16, None),))


def an_entry_of_another_term(b: Behaviour) -> None:
    i = b["n1"]
    i.log.append((9, "f" * 16))
    b.line("n1", "append", entries=((3, 9, "f" * 16, None),))


def a_leader_removes_an_entry(b: Behaviour) -> None:
    del b["n1"].log[1:]
    b.line("n1", "truncate", index=2)


def commits_what_one_node_holds(b: Behaviour) -> None:
    b.client_request("n1")
    b.synced("n1")
    b["n1"].commit_index = 3
    b.line("n1", "commit")


def counts_what_is_not_on_its_disk(b: Behaviour) -> None:
    b.client_request("n1")
    b.append_entries("n1", "n2")
    b.deliver()
    b.synced("n2")
    b.deliver_to("n1", "n2")
    b["n1"].commit_index = 3
    b.line("n1", "commit")


def sends_as_a_follower(b: Behaviour) -> None:
    b.send("n2", "n3", spec.AppendEntriesRequest("n2", 1, 2, 1, (), 0))


def sends_more_than_it_has(b: Behaviour) -> None:
    b.send("n1", "n3", spec.AppendEntriesRequest("n1", 1, 2, 1, ((1, "x"),), 0))


def sends_in_a_term_not_its_own(b: Behaviour) -> None:
    b.send("n1", "n3", spec.AppendEntriesRequest("n1", 3, 2, 1, (), 0), of_term=3)


def lies_about_its_log(b: Behaviour) -> None:
    b.timeout("n2")
    b.send("n2", "n3", spec.RequestVoteRequest("n2", 2, 1, 7))


def asks_for_votes_as_a_follower(b: Behaviour) -> None:
    b.send("n2", "n3", spec.RequestVoteRequest("n2", 1, 1, 2))


def applies_what_is_not_committed(b: Behaviour) -> None:
    b["n1"].last_applied = 2
    b.line("n1", "apply", entries=((2, *(b["n1"].log[1] or (0, "")), None),))


def takes_a_snapshot_of_what_is_not_applied(b: Behaviour) -> None:
    b.line("n1", "snapshot", index=2, digest="d")


def changes_its_log_in_silence(b: Behaviour) -> None:
    b["n2"].log.pop()
    b.line("n2", "synced", index=1, vote="n1")


# ---- guards of handling messages ---------------------------------------------------------------------


def votes_for_who_did_not_ask(b: Behaviour) -> None:
    b["n3"].voted_for = "n2"
    b.line("n3", "vote", vote="n2")


def votes_for_a_shorter_log(b: Behaviour) -> None:
    b.client_request("n1")
    b.synced("n1")
    b.timeout("n2")
    b.synced("n2")
    b.deliver_to("n1", "n2")
    b["n1"].voted_for = "n2"
    b.line("n1", "vote", vote="n2")


def says_that_it_voted(b: Behaviour) -> None:
    b.timeout("n2")
    b.timeout("n3")
    b.synced("n3")
    b.deliver_to("n2", "n3")
    b.send("n2", "n3", spec.RequestVoteResponse("n2", 2, True))


def _from_the_old_leader(b: Behaviour) -> spec.AppendEntriesRequest:
    """n3, which has heard of term 2, takes the third entry that n1 sends in term 1."""
    b.client_request("n1")
    b.append_entries("n1", "n3")
    late = b.network.pop()
    b.elect("n2", "n3")
    b.network.append(late)
    b.deliver()
    assert isinstance(late[2], spec.AppendEntriesRequest)
    return late[2]


def obeys_a_deposed_leader(b: Behaviour) -> None:
    m = _from_the_old_leader(b)
    b["n3"].log.append(m.entries[0])
    b.line("n3", "append", entries=((3, *m.entries[0], None),))


def accepts_without_the_previous_entry(b: Behaviour) -> None:
    b.client_request("n1")
    b["n1"].next_index["n3"] = 4
    b.client_request("n1")
    b.append_entries("n1", "n3")
    b.deliver()
    b.send("n3", "n1", spec.AppendEntriesResponse("n3", 1, True, 4))


def accepts_upon_another_term(b: Behaviour) -> None:
    b["n2"].next_index["n1"] = 4
    b.append_entries("n2", "n1")
    b.deliver()
    b["n1"].log.append(b["n2"].log[3])
    b.line("n1", "append", entries=((4, *(b["n2"].log[3] or (0, "")), None),))


def removes_what_does_not_conflict(b: Behaviour) -> None:
    b["n1"].next_index["n3"] = 2
    b.append_entries("n1", "n3")
    b.deliver()
    del b["n3"].log[1:]
    b.line("n3", "truncate", index=2)


def appends_another_entry(b: Behaviour) -> None:
    b.client_request("n1")
    b.append_entries("n1", "n3")
    _, _, m = b.network[-1]
    assert isinstance(m, spec.AppendEntriesRequest)
    forged = msgspec.structs.replace(m, entries=((1, "f" * 16),))
    b.network[-1] = (b.network[-1][0], "n3", forged)
    b.deliver()


def commits_beyond_the_message(b: Behaviour) -> None:
    b.append_entries("n1", "n3", most=0)
    b.deliver()
    b["n3"].commit_index = 2
    b.line("n3", "commit")


def claims_more_than_was_sent(b: Behaviour) -> None:
    b["n1"].next_index["n3"] = 2
    b.append_entries("n1", "n3", most=0)
    b.deliver()
    b.send("n3", "n1", spec.AppendEntriesResponse("n3", 1, True, 2))


# ---- guards of restarting, and of what leaves when ---------------------------------------------------


def forgets_its_term(b: Behaviour) -> None:
    b.disk["n3"] = (0, None, b.disk["n3"][2])
    b.restart("n3")


def forgets_its_vote(b: Behaviour) -> None:
    b.disk["n3"] = (1, None, b.disk["n3"][2])
    b.restart("n3")


def loses_what_was_on_disk(b: Behaviour) -> None:
    term, vote, log = b.disk["n3"]
    b.disk["n3"] = (term, vote, log[:1])
    b.restart("n3")


def comes_back_with_other_entries(b: Behaviour) -> None:
    term, vote, log = b.disk["n3"]
    b.disk["n3"] = (term, vote, [*log[:1], (1, "f" * 16)])
    b.restart("n3")


def answers_before_its_disk_did(b: Behaviour) -> None:
    b.client_request("n1")
    b.append_entries("n1", "n3")
    b.deliver()
    b.network += b.waiting["n3"]  # it leaves at once
    b.deliver_to("n1", "n3")
    b.restart("n3")


def answers_before_its_disk_did_and_lives(b: Behaviour) -> None:
    """No kill shows it: but the leader had its answer, and said so, before the disk had the entry."""
    b.client_request("n1")
    b.append_entries("n1", "n3")
    b.deliver()
    b.network += b.waiting["n3"]
    b.waiting["n3"] = []
    b.deliver_to("n1", "n3")
    b.append_entries("n1", "n3", most=0)
    b.deliver_to("n3", "n1")
    b.synced("n3")


BROKEN = [
    (settled, stands_as_leader, "Timeout", "state[i]"),
    (settled, term_goes_back, "UpdateTerm", "m.mterm"),
    (settled, term_jumps, "UpdateTerm", "m.mterm"),
    (settled, leads_without_standing, "BecomeLeader", "state[i] = Candidate"),
    (settled, leads_without_a_majority, "BecomeLeader", "Quorum"),
    (settled, leads_before_its_own_vote_is_on_disk, "BecomeLeader", "Quorum"),
    (settled, votes_of_another_term_counted, "BecomeLeader", "Quorum"),
    (settled, a_follower_takes_a_request, "HandleAppendEntriesRequest", "DOMAIN messages"),
    (settled, an_entry_of_another_term, "ClientRequest", "entry.term"),
    (settled, a_leader_removes_an_entry, "HandleAppendEntriesRequest", "state[i] = Follower"),
    (settled, commits_what_one_node_holds, "AdvanceCommitIndex", "Quorum"),
    (settled, counts_what_is_not_on_its_disk, "AdvanceCommitIndex", "Quorum"),
    (settled, sends_as_a_follower, "AppendEntries", "state[i] = Leader"),
    (settled, sends_more_than_it_has, "AppendEntries", "SubSeq"),
    (settled, sends_in_a_term_not_its_own, "AppendEntries", "mterm = currentTerm[i]"),
    (settled, lies_about_its_log, "RequestVote", "mlastLogIndex"),
    (settled, asks_for_votes_as_a_follower, "RequestVote", "state[i] = Candidate"),
    (settled, applies_what_is_not_committed, "Apply", "commitIndex"),
    (settled, takes_a_snapshot_of_what_is_not_applied, "TakeSnapshot", "lastApplied"),
    (settled, changes_its_log_in_silence, "Next", "log"),
    (settled, votes_for_who_did_not_ask, "HandleRequestVoteRequest", "m.msource"),
    (settled, votes_twice, "HandleRequestVoteRequest", "votedFor[i] \\in {Nil, j}"),
    (settled, votes_for_a_shorter_log, "HandleRequestVoteRequest", "logOk"),
    (settled, says_that_it_voted, "HandleRequestVoteRequest", "mvoteGranted"),
    (settled, obeys_a_deposed_leader, "HandleAppendEntriesRequest", "m.mterm = currentTerm[i]"),
    (settled, accepts_without_the_previous_entry, "HandleAppendEntriesRequest", "logOk: m.mprevLogIndex"),
    (unlike, accepts_upon_another_term, "HandleAppendEntriesRequest", "logOk: m.mprevLogTerm"),
    (settled, removes_what_does_not_conflict, "HandleAppendEntriesRequest", "conflict"),
    (settled, appends_another_entry, "HandleAppendEntriesRequest", "Append(log[i], m.mentries[1])"),
    (settled, commits_beyond_the_message, "HandleAppendEntriesRequest", "commitIndex'[i] = m.mcommitIndex"),
    (settled, claims_more_than_was_sent, "HandleAppendEntriesRequest", "mmatchIndex"),
    (settled, forgets_its_term, "Restart", "currentTerm'[i]"),
    (settled, forgets_its_vote, "Restart", "votedFor'[i]"),
    (settled, loses_what_was_on_disk, "Restart", "log'[i]"),
    (settled, comes_back_with_other_entries, "Restart", "log'[i]"),
    (settled, answers_before_its_disk_did, "Send", "disk"),
    (settled, answers_before_its_disk_did_and_lives, "Send", "disk"),
]


@pytest.mark.parametrize(
    ("before", "break_it", "action", "guard"),
    [pytest.param(*case, id=case[1].__name__) for case in BROKEN],
)
def test_a_step_that_one_guard_forbids_is_refused_by_that_guard(
    before: Callable[[], Behaviour], break_it: Callable[[Behaviour], None], action: str, guard: str
) -> None:
    b = before()
    verdict = judge(b)
    assert verdict.validity is Validity.VALID, verdict
    break_it(b)
    verdict = judge(b)
    assert verdict.validity is Validity.INVALID
    assert found(verdict.evidence, action, guard), verdict.evidence
    assert all(
        item.events and item.nodes for item in verdict.evidence if item.title != "not known from the traces"
    )


def test_an_earlier_terms_entry_is_not_committed_by_counting() -> None:
    """Figure 8: n2 leads term 2 with an entry of term 1 that a majority holds, and none of its own there."""
    b = settled()
    b.elect("n2", "n3")
    b["n2"].next_index["n3"] = 2
    b.append_entries("n2", "n3", most=1)
    b.deliver()
    b.synced("n3")
    b.deliver_to("n2", "n3")
    legal = judge(b)
    assert legal.validity is Validity.VALID, legal
    b["n2"].commit_index = 2
    b.line("n2", "commit")
    verdict = judge(b)
    assert found(verdict.evidence, "AdvanceCommitIndex", "term = currentTerm[i]"), verdict


def test_evidence_names_the_node_the_step_the_guard_and_the_variables_before_and_after() -> None:
    b = settled()
    commits_what_one_node_holds(b)
    item = judge(b).evidence[0]
    (event,) = item.events
    line = b.lines["n1"][-1]
    assert (event.node, event.life, event.seq) == ("n1", 1, line.seq)
    assert "its commitIndex became 3" in item.text
    assert "Agree(index) \\in Quorum" in item.text
    before, after = item.text.split("Before: ")[1].split("After: ")
    assert "matchIndex {n2: 2, n3: 2} and 3 on its own disk" in before
    assert "commitIndex 1" in before
    assert "commitIndex 3" in after
