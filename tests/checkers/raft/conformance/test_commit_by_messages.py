"""Extra actions that move commitIndex, or speak of it, where Raft's specification does not."""

from __future__ import annotations

import msgspec
import pytest

from checkers.verdict import Validity
from tests.checkers.raft.conformance.behaviour import Behaviour
from tests.checkers.raft.conformance.scenes import deposed, found, judge, settled


def says_committed(b: Behaviour, sender: str, to: str, index: int) -> None:
    """A message of no kind that Raft has, which carries a commit index."""
    message_id = f"{sender}:1:c{index}"
    b.line(sender, "send", peer=to, message="message", message_id=message_id, committed=index)
    b.line(to, "receive", peer=sender, message="message", message_id=message_id)


def commits(b: Behaviour, name: str, index: int) -> None:
    b[name].commit_index = index
    b.line(name, "commit")


def all_committed() -> Behaviour:
    """n1 has committed both entries; the others hold both, and do not know it."""
    b = settled()
    b.advance("n1", 2)
    return b


def refused(b: Behaviour, action: str, guard: str) -> bool:
    verdict = judge(b)
    return verdict.validity is Validity.INVALID and found(verdict.evidence, action, guard)


# ---- LearnCommit ---------------------------------------------------------------------------------------


def test_a_node_may_commit_what_any_message_says_is_committed() -> None:
    b = all_committed()
    says_committed(b, "n1", "n2", 2)
    commits(b, "n2", 2)
    verdict = judge(b)
    assert verdict.validity is Validity.VALID, verdict
    assert verdict.measures["actions"]["LearnCommit"] == 1


def test_a_message_may_not_carry_more_than_its_sender_has_committed() -> None:
    b = settled()
    says_committed(b, "n1", "n2", 2)
    assert refused(b, "LearnCommit", "commitIndex of its sender")


def test_a_node_may_not_commit_beyond_what_the_message_says() -> None:
    b = all_committed()
    says_committed(b, "n1", "n2", 1)
    commits(b, "n2", 2)
    assert refused(b, "LearnCommit", "commitIndex'[i] <= m's index")


def test_a_node_may_not_commit_another_entry_than_the_sender_has() -> None:
    b = deposed()  # n1's third entry is of term 1, n2's is of term 2
    b["n2"].next_index["n3"] = 3
    b.replicate("n2", "n3")
    b.advance("n2", 3)
    says_committed(b, "n2", "n1", 3)
    b["n1"].current_term, b["n1"].state, b["n1"].voted_for = 2, "follower", None
    b.line("n1", "term")
    commits(b, "n1", 3)
    assert refused(b, "LearnCommit", "log[i] has the entry that m's sender has")


def test_without_a_message_that_carries_it_nothing_is_committed_so() -> None:
    b = all_committed()
    b.line("n1", "send", peer="n2", message="message", message_id="n1:1:c")
    b.line("n2", "receive", peer="n1", message="message", message_id="n1:1:c")
    commits(b, "n2", 2)
    assert refused(b, "HandleAppendEntriesRequest", "m.mtype = AppendEntriesRequest")


def test_a_leader_counts_itself_and_takes_no_word_for_it() -> None:
    b = deposed()
    b["n2"].next_index["n3"] = 3
    b.replicate("n2", "n3")
    b.advance("n2", 3)
    says_committed(b, "n2", "n3", 3)
    b.elect("n3", "n2")  # its own entry 4 is held by none
    commits(b, "n3", 4)
    assert refused(b, "AdvanceCommitIndex", "Agree(index)")


# ---- AnswerCommitted -----------------------------------------------------------------------------------


def answers(b: Behaviour, index: int) -> None:
    """n2 answers an AppendEntries of n1 that ends at the log's begin, and names an index."""
    b["n1"].next_index["n2"] = 1
    b.append_entries("n1", "n2", most=0)
    message_id, to, m = b.network[-1]
    b.line(to, "receive", peer=m.source, message="AppendEntries", message_id=message_id)
    b.line("n2", "send", peer="n1", message="AppendEntriesReply", message_id="n2:1:a", index=index, ok=True)


def test_a_follower_may_answer_with_what_it_has_committed() -> None:
    b = all_committed()
    b.replicate("n1", "n2")  # n2 commits both
    answers(b, 2)
    verdict = judge(b)
    assert verdict.validity is Validity.VALID, verdict


def test_a_follower_may_not_answer_with_more_than_it_has_committed() -> None:
    b = settled()
    assert b["n2"].commit_index == 1
    answers(b, 2)
    assert refused(b, "HandleAppendEntriesRequest", "mmatchIndex")


# ---- RestoreCommitIndex --------------------------------------------------------------------------------


def comes_back(commit: int) -> Behaviour:
    """n1, which has committed one of two entries, begins a life with a commitIndex."""
    b = settled()
    b.restart("n1")
    b["n1"].commit_index = commit
    b.lines["n1"][-1] = msgspec.structs.replace(b.lines["n1"][-1], commit=commit)
    return b


@pytest.mark.parametrize("commit", [0, 1])
def test_a_life_may_begin_with_a_commit_index_of_the_life_before(commit: int) -> None:
    verdict = judge(comes_back(commit))
    assert verdict.validity is Validity.VALID, verdict
    assert verdict.measures["actions"].get("RestoreCommitIndex", 0) == commit


def test_a_life_may_not_begin_with_more_than_was_ever_committed() -> None:
    assert refused(comes_back(2), "RestoreCommitIndex", "commitIndex'[i] <= a commitIndex[i]")
