"""Elections: who may lead a term, and how long (section 5.2; thesis, sections 6.2 and 9.6).

A follower that hears no leader for its time-out stands; whoever gets the votes of a majority leads. A
leader that a majority does not answer stops leading.

A member that is cut off must not come back with a higher term and depose a leader who is fine. So it first
asks whether others would vote for it (pre-vote), which they deny while they hear a leader; and who hears a
leader does not listen to candidates at all, unless that leader itself wants another in its place.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from node_impl.core.config import NodeConfig
from node_impl.core.events import CancelTimer, Recovered, SetTimer
from node_impl.core.raft.messages import PreVote, PreVoteReply, RequestVote, RequestVoteReply, TimeoutNow
from node_impl.core.raft.state import State

ELECTION_TIMER = "election"
HEARTBEAT_TIMER = "heartbeat"


class Random(Protocol):
    """The only source of chance."""

    def below(self, n: int) -> int:
        """An integer from 0 to n - 1, evenly drawn."""
        ...


class Elections(State):
    """A member that votes, stands and steps down; what a leader then does is for who inherits this."""

    def __init__(
        self,
        *,
        name: str,
        members: tuple[str, ...],
        life: int,
        recovered: Recovered,
        random: Random,
        config: NodeConfig,
    ) -> None:
        super().__init__(name=name, members=members, life=life, recovered=recovered, config=config)
        self._random = random
        self._election_timeout = 0
        self._election_deadline = 0
        self._leader_heard_at: int | None = None
        """When the leader of this term was last heard; None if not in this term."""
        self._promised_until = 0
        """Where leases are used: before this, only whom the leader itself asked to stand gets a vote."""
        self.is_pre_candidate = False
        """Among candidates: still asks whether it should stand, in the term it is in."""

    def _begin_to_lead(self) -> None:
        """This member has just won an election."""
        raise NotImplementedError

    # ---- The rules -------------------------------------------------------------------------------------

    def sync_barrier(self) -> int:
        """What must be on disk before anybody relies on what this node holds now (Figure 2: "updated on
        stable storage before responding to RPCs"): the newest record. A leader's own copy, too, counts
        toward a majority only then (thesis, 10.2.1)."""
        return self.outbox.newest

    def may_grant_vote(self, candidate: str, request: RequestVote) -> bool:
        """RequestVote RPC, rules 1 and 2."""
        return (
            request.term == self.current_term
            and self.vote_is_free_for(candidate)
            and (request.transfer or not self.has_promised())
            and self.candidate_log_is_up_to_date(request)
        )

    def vote_is_free_for(self, candidate: str) -> bool:
        """At most one vote a term, first come first served (section 5.2)."""
        return self.voted_for is None or self.voted_for == candidate

    def uses_lease(self) -> bool:
        """Whether leaders serve reads under a lease, for which all nodes make promises (lease.py)."""
        return self.config.lease

    def has_promised(self) -> bool:
        """Whether a leader may count on this node's not voting yet, be it one of an earlier term or life."""
        return self.uses_lease() and self.now < self._promised_until

    def may_grant_pre_vote(self, request: PreVote) -> bool:
        """As for a vote in the next term, and only if no leader is heard (thesis, section 9.6)."""
        return (
            request.term >= self.current_term
            and not self.hears_a_leader()
            and not self.has_promised()
            and self.candidate_log_is_up_to_date(request)
        )

    def may_be_disturbed(self, request: RequestVote) -> bool:
        """Who hears a leader neither votes nor takes over a candidate's term (thesis, section 4.2.3)."""
        return request.transfer or request.term <= self.current_term or not self.hears_a_leader()

    def hears_a_leader(self) -> bool:
        """Whether a leader was heard within the shortest time-out; one that leads hears itself."""
        if self.role == "leader":
            return True
        heard_at = self._leader_heard_at
        return heard_at is not None and self.now < heard_at + self.config.election_timeout_ns

    def candidate_log_is_up_to_date(self, request: RequestVote | PreVote) -> bool:
        """The later last term wins; among equal ones the longer log (section 5.4.1)."""
        candidate = (request.last_log_term, request.last_log_index)
        return candidate >= (self.log.last_term, self.log.last_index)

    def is_majority(self, count: int) -> bool:
        """Whether so many voters are a majority of all."""
        return count > len(self.voters) // 2

    def is_vote_for_this_term(self, reply: RequestVoteReply) -> bool:
        """A vote that was given in an earlier term, and was long on its way, counts no more (section 5.2)."""
        return reply.granted and reply.term == self.current_term

    def may_stand(self) -> bool:
        """Learners, and who was removed, do not (thesis, section 4.2)."""
        return self.name in self.voters

    def voters_among(self, names: Iterable[str]) -> int:
        """How many of these count; a leader that is removed by an entry on its way does not (4.2.2)."""
        return sum(name in self.voters for name in names)

    def hears_a_majority(self) -> bool:
        """A leader that a majority has not answered for an election time-out may be deposed and not know
        it: it stops leading, so that its clients are refused in time (thesis, 6.2)."""
        heard = (name for name, peer in self.peers.items() if peer.heard)
        return self.is_majority(self.voters_among((self.name, *heard)))

    # ---- Standing, voting, winning ---------------------------------------------------------------------

    def _election_is_due(self) -> None:
        if not self.may_stand():
            self._arm_election_timer()
        elif self.config.pre_vote:
            self._ask_for_pre_votes()
        else:
            self._stand_for_election()

    def _ask_for_pre_votes(self) -> None:
        self.leader = None
        self.is_pre_candidate = True
        if self.role != "candidate":
            self._set_role("candidate")
        self.votes = {self.name}
        self._arm_election_timer()
        request = PreVote(self.current_term, self.log.last_index, self.log.last_term)
        for other in self.others:
            self.send(other, request, after=self.sync_barrier())
        self._count_pre_votes()

    def _on_pre_vote(self, candidate: str, request: PreVote) -> None:
        granted = self.may_grant_pre_vote(request)
        reply = PreVoteReply(self.current_term, granted, request.term)
        self.send(candidate, reply, after=self.sync_barrier())

    def _on_pre_vote_reply(self, voter: str, reply: PreVoteReply) -> None:
        is_asked = self.is_pre_candidate and voter in self.voters
        if is_asked and reply.granted and reply.asked_in == self.current_term:
            self.votes.add(voter)
            self._count_pre_votes()

    def _count_pre_votes(self) -> None:
        if self.is_majority(len(self.votes)):
            self._stand_for_election()

    def _on_timeout_now(self, request: TimeoutNow) -> None:
        if request.term == self.current_term and self.role == "follower" and self.may_stand():
            self._stand_for_election(transfer=True)

    def _stand_for_election(self, transfer: bool = False) -> None:
        self.leader = None
        self.is_pre_candidate = False
        self._set_term(self.current_term + 1)
        self._vote_for(self.name)
        self._set_role("candidate")
        self.votes = set()  # its own vote counts once it is on disk: see `synced`
        self._arm_election_timer()
        request = RequestVote(self.current_term, self.log.last_index, self.log.last_term, transfer)
        for other in self.others:
            self.send(other, request, after=self.sync_barrier())

    def _on_request_vote(self, candidate: str, request: RequestVote) -> None:
        granted = self.may_grant_vote(candidate, request)
        if granted:
            if self.voted_for != candidate:
                self._vote_for(candidate)
            self._postpone_election()
        self.send(candidate, RequestVoteReply(self.current_term, granted), after=self.sync_barrier())

    def _on_request_vote_reply(self, voter: str, reply: RequestVoteReply) -> None:
        is_asked = self.role == "candidate" and not self.is_pre_candidate and voter in self.voters
        if is_asked and self.is_vote_for_this_term(reply):
            self._count_vote(voter)

    def _count_vote(self, voter: str) -> None:
        self.votes.add(voter)
        if self.is_majority(len(self.votes)):
            self._become_leader()

    def _become_leader(self) -> None:
        self._set_role("leader")
        self.leader = self.name
        self._set_timer(HEARTBEAT_TIMER, self.now + self.config.heartbeat_ns)
        self._set_timer(ELECTION_TIMER, self.now + self.config.election_timeout_ns)
        self._begin_to_lead()

    def _check_quorum(self) -> None:
        if not self.hears_a_majority():
            self._become_follower()
            return
        for peer in self.peers.values():
            peer.heard = False
        self._set_timer(ELECTION_TIMER, self.now + self.config.election_timeout_ns)

    def _become_follower(self) -> None:
        """Stay in, or return to, the followers' ranks, with no leader known."""
        was, self.leader = self.role, None
        self.is_pre_candidate = False
        if was == "follower":
            return
        self._set_role("follower")
        if was == "leader":
            self.outbox.effects.append(CancelTimer(HEARTBEAT_TIMER))
            self.peers = {}
            self._arm_election_timer()

    # ---- Timers ------------------------------------------------------------------------------------------

    def _arm_election_timer(self) -> None:
        """Time-outs are drawn anew for each election, so that split votes are rare (section 5.2)."""
        least = self.config.election_timeout_ns
        self._election_timeout = least + self._random.below(least)
        self._postpone_election()
        self._set_timer(ELECTION_TIMER, self._election_deadline)

    def _hear_leader(self, leader: str) -> None:
        """The leader of this term said something."""
        self.leader = leader
        self._leader_heard_at = self.now
        self._promise()
        self._postpone_election()

    def _promise(self) -> None:
        self._promised_until = self.now + self.config.election_timeout_ns

    def _postpone_election(self) -> None:
        """The timer itself is not set again, which would cost an effect a message: it looks when it fires."""
        self._election_deadline = self.now + self._election_timeout

    def peer_lost(self, peer: str) -> None:
        """The leader's connection was closed, which a kernel does at once for a process that ended.

        A leader that lives is back, and heard, within two heartbeats. If not, a time-out need not run off:
        its followers stand within the two after them, and their pre-votes fail wherever it is still heard.
        """
        if self.role != "follower" or peer != self.leader:
            return
        self._leader_heard_at = None
        soon = 2 * self.config.heartbeat_ns
        deadline = self.now + soon + self._random.below(soon)
        if deadline < self._election_deadline:
            self._election_deadline = deadline
            self._set_timer(ELECTION_TIMER, deadline)

    def _set_timer(self, name: str, at: int) -> None:
        self.outbox.effects.append(SetTimer(name, at))
