"""The specification's variables and messages in words, for evidence."""

from __future__ import annotations

from checkers.raft.conformance import spec
from checkers.raft.conformance.spec import CANDIDATE, LEADER, Extra, Message, Server


def words_of(i: Server) -> str:
    """The variables of a server, by the specification's names."""
    last = "empty" if not i.log else f"up to index {len(i.log)}"
    if i.log and i.log[-1] is not None:
        last += f" of term {i.log[-1][0]}"
    text = (
        f"currentTerm {i.current_term}, state {i.state.capitalize()}, votedFor {i.voted_for or 'Nil'}, "
        f"log {last}, commitIndex {i.commit_index}"
    )
    if i.state == CANDIDATE:
        text += f", votesGranted {{{', '.join(sorted(i.votes_granted))}}}"
    if i.state == LEADER:
        matches = ", ".join(f"{k}: {v}" for k, v in sorted(i.match_index.items()))
        text += f", matchIndex {{{matches}}} and {i.own_durable} on its own disk"
    return text


def said_by(m: Message) -> str:
    """A message and its sender in words."""
    match m:
        case spec.RequestVoteRequest(source, term, last_term, last_index):
            return f"{source}'s RequestVoteRequest of term {term}, log up to {last_index} of term {last_term}"
        case spec.RequestVoteResponse(source, term, granted):
            return f"{source}'s RequestVoteResponse of term {term}, {'' if granted else 'not '}granted"
        case spec.AppendEntriesRequest(source, term, previous, previous_term, entries, commit):
            what = f"{len(entries)} entries" if entries else "no entries"
            return (
                f"{source}'s AppendEntriesRequest of term {term}, {what} after index {previous} of term "
                f"{previous_term}, commitIndex {commit}"
            )
        case spec.AppendEntriesResponse(source, term, success, match):
            what = f"success, up to index {match}" if success else "refused"
            return f"{source}'s AppendEntriesResponse of term {term}, {what}"
        case Extra(source, term, kind):
            return f"{source}'s {kind} of term {term}"
