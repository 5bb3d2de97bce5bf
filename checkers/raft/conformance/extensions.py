"""What a real node does and Raft's TLA+ specification lacks: extra actions, and why each may be added.

An extra action *preserves the refinement* if the specification, with it added, still has all the invariants
of Figure 3. Most change no variable of the specification (they *stutter*), or only make a node do less than
the specification lets it. Where that needs a guard, it is here, and is checked. Each function below argues
for itself; these have no code of their own:

- **OwnDisk**: a leader counts itself toward a majority only up to what is on its disk (thesis, 10.2.1), a
  candidate its own vote only then. So both do less than AdvanceCommitIndex and BecomeLeader allow.
- **Ignore**: a request is refused, or not answered, where the specification would consent. That is the
  message being dropped; a refusal changes terms and nextIndex alone.
- **PreCandidate** (thesis, 9.6): it asks for pre-votes. Stutters: it stays a follower (or a candidate) of
  its term, raises no term, and gives no vote.
- **SetNextIndex**: nextIndex moves by sending ahead of answers, by skipping a whole term, after a snapshot.
  No guard but that of AppendEntries reads it, and its own use there is to choose what of the log is sent:
  whatever that is, its receiver's guards are the same.
- **NoOp** (section 8): a leader appends an entry of its own. ClientRequest, with the leader for a client.
- **AnswerCommitted**: a follower answers its leader with its own commitIndex, where the message ends before
  it or brings a snapshot. The leader of this term holds all that is committed (Leader Completeness), so the
  two logs are the same up to there: mmatchIndex is true.
- **Other messages** (PreVote, TimeoutNow, ReadIndex, Forward and their answers): they stutter, since no
  handler of theirs changes a variable but by an action that is traced by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from checkers.raft.conformance.spec import (
    FOLLOWER,
    LEADER,
    AppendEntriesRequest,
    AppendEntriesResponse,
    Entry,
    Extra,
    Message,
    Server,
    Unsure,
    need,
    restart,
)


def step_down(i: Server) -> None:
    """StepDown(i): a leader whom no majority answers, or who is removed, stops leading in its own term.

    Restart(i) does the same and forgets more: commitIndex, which no guard of a follower reads.
    """
    i.state = FOLLOWER


def begin_life(
    i: Server, term: int, vote: str | None, log: list[Entry | None], snapshot_index: int, commit: int
) -> None:
    """Restart(i), from what was on disk; `disk.py` holds the guards.

    A kill may take the last steps, those that were not on disk yet. No other node knew of them: a message
    that depends on term, vote or log counts as sent only when these are on disk (`order.py`), and a node
    counts itself only then (OwnDisk). So they commute to after the crash, where they do not happen. A
    leader's AppendEntries may have left before (thesis, 10.2.1): those entries are then the ones of a leader
    that fell silent, in a term that it never leads again.
    """
    restart(i)
    i.current_term, i.voted_for, i.log = term, vote, log
    i.last_applied = i.snapshot_index = snapshot_index
    i.commit_index = max(commit, snapshot_index)
    i.covered = snapshot_index if None in log[:snapshot_index] else 0
    i.own_durable = len(log)


def restore_commit_index(i: Server, commit: int, length: int) -> None:
    """RestoreCommitIndex(i): a life begins with a commitIndex that was kept on the disk, not with 0.

    Every commitIndex that a node once had is that of a committed prefix, and stays it. So it may be any of
    these, if the log is as long.
    """
    action = "RestoreCommitIndex"
    need(commit <= i.commit_index, action, "commitIndex'[i] <= a commitIndex[i] of its life before")
    need(commit <= length, action, "commitIndex'[i] <= Len(log'[i])")


class Claim(NamedTuple):
    """What a message says is committed: an index, and the entry that its sender has there."""

    commit: int
    entry: Entry | None
    """None: not known from the traces."""


def claimed(i: Server, index: int) -> Claim:
    """The commitIndex that a message of i carries, whatever the message is: at most i's own."""
    need(index <= i.commit_index, "LearnCommit", "what m says is committed <= commitIndex of its sender")
    return Claim(index, i.log[index - 1])


def learn_commit(i: Server, claim: Claim, index: int) -> None:
    """LearnCommit(i, m): i commits up to an entry that m says is committed, and that i has as well.

    The sender had committed that entry, so it is in the log of every later leader. A log that has the same
    entry there is the same up to there (Log Matching), so all of that is committed. The term of m does not
    matter.
    """
    action = "LearnCommit"
    need(i.commit_index <= index <= claim.commit, action, "commitIndex[i] <= commitIndex'[i] <= m's index")
    need(claim.commit <= len(i.log), action, "m's index <= Len(log[i])")
    own = i.log[claim.commit - 1]
    if own is None or claim.entry is None:
        raise Unsure(f"which entry {i.name} or a message's sender has at index {claim.commit} is not known")
    need(own == claim.entry, action, "log[i] has the entry that m's sender has at m's index")
    i.commit_index = index


def may_answer_committed(i: Server, j: str, m: Message | None, index: int) -> bool:
    """AnswerCommitted(i, j, m), see above: j leads this term, since it sent m, and `index` is committed."""
    return (
        index <= i.commit_index
        and i.state == FOLLOWER
        and (isinstance(m, AppendEntriesRequest) or (isinstance(m, Extra) and m.kind == "InstallSnapshot"))
        and (m.source, m.term) == (j, i.current_term)
    )


def answer_committed(i: Server, term: int, index: int) -> AppendEntriesResponse:
    """AnswerCommitted(i, j, m): the answer."""
    need(term == i.current_term, "AnswerCommitted", "Reply: mterm = currentTerm[i]")
    return AppendEntriesResponse(i.name, term, True, index)


def take_snapshot(i: Server, index: int) -> None:
    """TakeSnapshot(i): only of what is applied. Stutters: what a node forgets stays known here."""
    need(index <= i.last_applied, "TakeSnapshot", "index <= lastApplied[i]")
    i.snapshot_index = index


def send_snapshot(i: Server, term: int, index: int, count: int) -> Extra:
    """SendSnapshot(i, j): leader i sends a part of one."""
    need(i.state == LEADER, "SendSnapshot", "state[i] = Leader")
    need(index <= i.commit_index, "SendSnapshot", "index <= commitIndex[i]")
    return Extra(i.name, term, "InstallSnapshot", index, count, i.log[index - 1] if index else None)


def install_snapshot(
    i: Server, m: Message | None, sender: str, index: int, last: Entry | None, length: int
) -> None:
    """InstallSnapshot(i, j, m): the log up to `index` is the leader's, and `length` entries long after it.

    It is AppendEntries with all entries up to `index`, and its commitIndex: they are committed, so that every
    leader of this or a later term holds the same (Leader Completeness). What follows the last included entry
    is kept if the log holds that one (Figure 13, rules 6 and 7).
    """
    action = "InstallSnapshot"
    need(isinstance(m, Extra) and m.kind == action and m.source == sender, action, "m \\in DOMAIN messages")
    assert isinstance(m, Extra)
    need(m.term == i.current_term, action, "m.mterm = currentTerm[i]")
    need(i.state == FOLLOWER, action, "state[i] = Follower")
    need(index == m.index, action, "index = m.mindex")
    need(index > i.commit_index, action, "index > commitIndex[i]")
    if last is None or m.last is None:
        raise Unsure(f"which entry the snapshot up to {index} ends with is not known")
    need(last == m.last, action, "its last included entry is the leader's entry at index")
    own = i.log[index - 1] if index <= len(i.log) else None
    if index <= len(i.log) and own is None:
        raise Unsure(f"{i.name}'s entry at index {index} is not known")
    if own == last:
        need(length == len(i.log), action, "the log holds the last included entry: what follows it is kept")
    else:
        need(length == index, action, "the log does not hold the last included entry: it is discarded")
        i.log = [*[None] * (index - 1), last]
        i.covered = index
    i.commit_index = i.last_applied = i.snapshot_index = index


def reply_snapshot(i: Server, term: int, index: int, held: int, m: Message | None) -> Extra:
    """The answer to a part: how many bytes are held; all of them promises what the snapshot stands for."""
    action = "InstallSnapshot"
    need(term == i.current_term, action, "Reply: mterm = currentTerm[i]")
    if isinstance(m, Extra) and m.kind == action and held >= m.count and m.term == term:
        need(
            index <= i.commit_index, action, "Reply: the whole of it is held only if index <= commitIndex[i]"
        )
    return Extra(i.name, term, "InstallSnapshotReply", index, held)


def take_snapshot_ack(i: Server, m: Extra, whole: int | None) -> None:
    """HandleAppendEntriesResponse, with mmatchIndex = index, if all of its `whole` bytes are held."""
    if m.term == i.current_term and i.state == LEADER and whole is not None and m.count >= whole:
        i.match_index[m.source] = max(i.match_index.get(m.source, 0), m.index)


def reconfigure(i: Server, voters: Sequence[str]) -> None:
    """Reconfigure(i): from now on these are Server.

    *Assumed*, not argued: the specification's Server is fixed. Quorums here are those of the configuration
    that the node traced as in force; whether it follows from the log is judged elsewhere.
    """
    i.voters = frozenset(voters)


def apply_entries(i: Server, upto: int, first: int, entries: Sequence[Entry]) -> None:
    """Apply(i): what is committed, as the log has it. Stutters: the specification has no state machine."""
    need(upto <= i.commit_index, "Apply", "lastApplied'[i] <= commitIndex[i]")
    held = i.log[first - 1 : upto]
    for own, given in zip(held, entries, strict=False):
        need(own is None or own == given, "Apply", "the entry applied is log[i][index]")
    i.last_applied = upto
