"""Elections: who may lead a term, and how long (section 5.2; thesis, sections 6.2 and 9.6).

A follower that hears no leader for its time-out stands; the candidate that gets the votes of a majority
leads. A leader that a majority does not answer stops leading.

A member that is cut off must not come back with a higher term and depose a leader that is fine. So it first
asks whether others would vote for it (pre-vote), which they deny while they hear a leader. And a member that
hears a leader does not listen to candidates at all, unless that leader itself wants another in its place.
"""

from __future__ import annotations

from typing import Protocol

from node_impl.core.events import CancelTimer, SetTimer
from node_impl.core.raft.followers import Followers
from node_impl.core.raft.leases import LeaderLeases
from node_impl.core.raft.member.state import RaftState
from node_impl.core.raft.membership import Membership
from node_impl.core.raft.messages import PreVote, PreVoteReply, RequestVote, RequestVoteReply, TimeoutNow

ELECTION_TIMER = "election"
HEARTBEAT_TIMER = "heartbeat"


class Random(Protocol):
    """The only source of chance."""

    def below(self, n: int) -> int:
        """An integer from 0 to n - 1, evenly drawn."""
        ...


class Leadership(Protocol):
    """What begins when an election is won: replication, reads and leases of the term."""

    def begin_to_lead(self) -> None:
        """This member has just won the election of its term."""
        ...


class Elections:
    """Votes, stands for election, and steps down.

    Args:
        leadership: is started when this member wins.
        random: where election time-outs are drawn.
    """

    __slots__ = (
        "_deadline",
        "_followers",
        "_leader_heard_at",
        "_leadership",
        "_leases",
        "_membership",
        "_random",
        "_state",
        "_timeout",
        "is_pre_candidate",
        "votes",
    )

    def __init__(
        self,
        state: RaftState,
        membership: Membership,
        followers: Followers,
        leases: LeaderLeases,
        leadership: Leadership,
        random: Random,
    ) -> None:
        self._state = state
        self._membership = membership
        self._followers = followers
        self._leases = leases
        self._leadership = leadership
        self._random = random
        self._timeout = 0
        self._deadline = 0
        self._leader_heard_at: int | None = None
        """When the leader of this term was last heard; None if not in this term."""
        self.votes: set[str] = set()
        """Who supports this candidate, or would, if it only asks so far."""
        self.is_pre_candidate = False
        """Among candidates: still asks whether it should stand, in the term it is in."""

    # ---- The rules -------------------------------------------------------------------------------------

    def may_grant_vote(self, candidate: str, request: RequestVote) -> bool:
        """RequestVote RPC, rules 1 and 2."""
        return (
            request.term == self._state.current_term
            and self.vote_is_free_for(candidate)
            and (request.transfer or not self._leases.has_promised())
            and self.candidate_log_is_up_to_date(request)
        )

    def vote_is_free_for(self, candidate: str) -> bool:
        """At most one vote a term, first come first served (section 5.2)."""
        voted_for = self._state.voted_for
        return voted_for is None or voted_for == candidate

    def may_grant_pre_vote(self, request: PreVote) -> bool:
        """As for a vote in the next term, and only if no leader is heard (thesis, section 9.6)."""
        return (
            request.term >= self._state.current_term
            and not self.hears_a_leader()
            and not self._leases.has_promised()
            and self.candidate_log_is_up_to_date(request)
        )

    def may_be_disturbed(self, request: RequestVote) -> bool:
        """A member that hears a leader neither votes nor takes over a candidate's term (thesis, 4.2.3)."""
        return request.transfer or request.term <= self._state.current_term or not self.hears_a_leader()

    def hears_a_leader(self) -> bool:
        """Whether a leader was heard within the shortest time-out; a member that leads hears itself."""
        state = self._state
        if state.role == "leader":
            return True
        heard_at = self._leader_heard_at
        return heard_at is not None and state.now < heard_at + state.config.election_timeout_ns

    def candidate_log_is_up_to_date(self, request: RequestVote | PreVote) -> bool:
        """The later last term wins; among equal ones the longer log (section 5.4.1)."""
        candidate = (request.last_log_term, request.last_log_index)
        return candidate >= (self._state.log.last_term, self._state.log.last_index)

    def is_vote_for_this_term(self, reply: RequestVoteReply) -> bool:
        """A vote that was given in an earlier term, and was long on its way, does not count (section 5.2)."""
        return reply.granted and reply.term == self._state.current_term

    def hears_a_majority(self) -> bool:
        """A leader that a majority has not answered for an election time-out may be deposed and not know
        it: it stops leading, so that its clients are refused in time (thesis, 6.2)."""
        membership = self._membership
        return membership.is_majority(membership.voters_among((self._state.name, *self._followers.heard())))

    # ---- Standing, voting, winning ---------------------------------------------------------------------

    def stand_if_due(self) -> None:
        """The election timer fired at a member that does not lead."""
        now = self._state.now
        if now < self._deadline:  # a leader was heard, or a vote given, since the timer was set
            self._set_timer(ELECTION_TIMER, self._deadline)
        elif not self._membership.may_stand():
            self.arm_election_timer()
        elif self._state.config.pre_vote:
            self._ask_for_pre_votes()
        else:
            self._stand_for_election()

    def _ask_for_pre_votes(self) -> None:
        state = self._state
        state.know_leader(None)
        self.is_pre_candidate = True
        if state.role != "candidate":
            state.take_role("candidate")
        self.votes = {state.name}
        self.arm_election_timer()
        request = PreVote(state.current_term, state.log.last_index, state.log.last_term)
        for other in self._membership.others:
            state.send(other, request, after=state.sync_barrier())
        self._count_pre_votes()

    def on_pre_vote(self, candidate: str, request: PreVote) -> None:
        """A member asks whether it would get this one's vote."""
        state = self._state
        granted = self.may_grant_pre_vote(request)
        reply = PreVoteReply(state.current_term, granted, request.term)
        state.send(candidate, reply, after=state.sync_barrier())

    def on_pre_vote_reply(self, voter: str, reply: PreVoteReply) -> None:
        """A member says whether it would vote for this one."""
        is_asked = self.is_pre_candidate and voter in self._membership.voters
        if is_asked and reply.granted and reply.asked_in == self._state.current_term:
            self.votes.add(voter)
            self._count_pre_votes()

    def _count_pre_votes(self) -> None:
        if self._membership.is_majority(len(self.votes)):
            self._stand_for_election()

    def on_timeout_now(self, request: TimeoutNow) -> None:
        """The leader asks this member to take its place (thesis, section 3.10)."""
        state = self._state
        if request.term == state.current_term and state.role == "follower" and self._membership.may_stand():
            self._stand_for_election(transfer=True)

    def _stand_for_election(self, transfer: bool = False) -> None:
        state = self._state
        state.know_leader(None)
        self.is_pre_candidate = False
        state.enter_term(state.current_term + 1)
        state.vote_for(state.name)
        state.take_role("candidate")
        self.votes = set()  # its own vote counts once it is on disk: `count_own_vote`
        self.arm_election_timer()
        request = RequestVote(state.current_term, state.log.last_index, state.log.last_term, transfer)
        for other in self._membership.others:
            state.send(other, request, after=state.sync_barrier())

    def on_request_vote(self, candidate: str, request: RequestVote) -> None:
        """A candidate asks for this member's vote (Figure 2, RequestVote RPC)."""
        state = self._state
        granted = self.may_grant_vote(candidate, request)
        if granted:
            if state.voted_for != candidate:
                state.vote_for(candidate)
            self._give_turn()
        state.send(candidate, RequestVoteReply(state.current_term, granted), after=state.sync_barrier())

    def on_request_vote_reply(self, voter: str, reply: RequestVoteReply) -> None:
        """A member gives this candidate its vote, or does not."""
        is_candidate = self._state.role == "candidate" and not self.is_pre_candidate
        if is_candidate and voter in self._membership.voters and self.is_vote_for_this_term(reply):
            self._count_vote(voter)

    def count_own_vote(self, synced: int) -> None:
        """A candidate's vote for itself counts once it is on disk; everything up to `synced` is."""
        if not self.is_pre_candidate and self._state.sync_barrier() <= synced:
            self._count_vote(self._state.name)

    def _count_vote(self, voter: str) -> None:
        self.votes.add(voter)
        if self._membership.is_majority(len(self.votes)):
            self.become_leader()

    def become_leader(self) -> None:
        """This candidate has won the election of its term."""
        state = self._state
        state.take_role("leader")
        state.know_leader(state.name)
        self.arm_heartbeat_timer()
        self._set_timer(ELECTION_TIMER, state.now + state.config.election_timeout_ns)
        self._leadership.begin_to_lead()

    # ---- Stepping down, handing over -------------------------------------------------------------------

    def check_quorum(self) -> None:
        """The election timer fired at a leader: step down if no majority answered since the last time."""
        if not self.hears_a_majority():
            self.become_follower()
            return
        self._followers.expect_answers()
        self._set_timer(ELECTION_TIMER, self._state.now + self._state.config.election_timeout_ns)

    def move_to(self, term: int) -> None:
        """A message has a higher term than this member's (Figure 2, all servers)."""
        self.become_follower()  # first the role: no line of the trace may show the old role in the new term
        self._state.enter_term(term)
        self._leader_heard_at = None

    def become_follower(self) -> None:
        """Stay a follower, or return to being one, with no leader known."""
        state = self._state
        was = state.role
        state.know_leader(None)
        self.is_pre_candidate = False
        if was == "follower":
            return
        state.take_role("follower")
        if was == "leader":
            state.outbox.effects.append(CancelTimer(HEARTBEAT_TIMER))
            self._followers.forget()
            self.arm_election_timer()

    def hand_over(self) -> None:
        """A leader that is about to stop asks the follower that holds most to stand (thesis, 3.10)."""
        by_name, voters = self._followers.by_name, self._membership.voters
        successors = [name for name in by_name if name in voters]
        if self._state.role == "leader" and successors:
            self.transfer_to(max(successors, key=lambda name: by_name[name].match_index))

    def transfer_to(self, successor: str) -> None:
        """Ask a voter to stand for election now; the lease is over before it is asked."""
        self._leases.give_up()
        self._state.send(successor, TimeoutNow(self._state.current_term))

    # ---- Timers ------------------------------------------------------------------------------------------

    def arm_election_timer(self) -> None:
        """A time-out is drawn for each election, so that split votes are rare (section 5.2)."""
        least = self._state.config.election_timeout_ns
        self._timeout = least + self._random.below(least)
        self._postpone()
        self._set_timer(ELECTION_TIMER, self._deadline)

    def arm_heartbeat_timer(self) -> None:
        """At the leader: the next heartbeat is due after the usual time."""
        self._set_timer(HEARTBEAT_TIMER, self._state.now + self._state.config.heartbeat_ns)

    def hear_leader(self, leader: str) -> None:
        """A message of this term's leader arrived."""
        state = self._state
        state.know_leader(leader)
        self._leader_heard_at = state.now
        self._leases.promise()
        self._postpone()

    def _postpone(self) -> None:
        """The timer itself is not set again, which would cost an effect for each message: it looks when it
        fires."""
        self._deadline = self._state.now + self._timeout

    def _give_turn(self) -> None:
        """A vote was given: wait for the candidate.

        Without pre-vote another wait is drawn. One that hears no other node stands again and again, and a
        node with a long wait that never changes would vote for it each time and never stand itself.
        """
        if self._state.config.pre_vote:
            self._postpone()
        else:
            self.arm_election_timer()

    def peer_lost(self, peer: str) -> None:
        """The leader's connection was closed, which a kernel does at once for a process that ended.

        A leader that lives is back, and heard, within two heartbeats. If not, a time-out need not run off:
        its followers stand within the two after them, and their pre-votes fail wherever it is still heard.
        """
        state = self._state
        if state.role != "follower" or peer != state.leader:
            return
        self._leader_heard_at = None
        soon = 2 * state.config.heartbeat_ns
        deadline = state.now + soon + self._random.below(soon)
        if deadline < self._deadline:
            self._deadline = deadline
            self._set_timer(ELECTION_TIMER, deadline)

    def _set_timer(self, name: str, at: int) -> None:
        self._state.outbox.effects.append(SetTimer(name, at))
