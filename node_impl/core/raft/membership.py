"""Majorities, and changes of the members, one voter at a time, by entries of the log (thesis, chapter 4).

A configuration is in force from when its entry is in the log. A change begins only when the one before it
is committed, and when the leader has committed an entry of its own term: without the latter, two leaders
could each change one voter of the same old configuration, and their majorities would be disjoint (Ongaro,
"bug in single-server membership changes", raft-dev, 2015).

Voters change one at a time: then every majority of the old configuration shares a member with every
majority of the new one, so that no two leaders of a term can be elected by them.
"""

from __future__ import annotations

from collections.abc import Iterable

from node_impl.core.events import Configuration, Entry
from node_impl.core.raft.followers import Followers
from node_impl.core.raft.member.configurations import encode_configuration
from node_impl.core.raft.member.state import RaftState
from node_impl.core.requests import AddLearner, MembershipChange, Promote, Remove


class Membership:
    """Who votes, what a majority is, and what a leader may change about it."""

    __slots__ = ("_followers", "_state")

    def __init__(self, state: RaftState, followers: Followers) -> None:
        self._state = state
        self._followers = followers

    @property
    def voters(self) -> tuple[str, ...]:
        """The members whose votes count."""
        return self._state.configuration.voters

    @property
    def members(self) -> tuple[str, ...]:
        """All names: voters and learners, sorted."""
        return self._state.configuration.members

    @property
    def others(self) -> tuple[str, ...]:
        """All members but this one."""
        return tuple(member for member in self.members if member != self._state.name)

    # ---- The rules -------------------------------------------------------------------------------------

    def is_majority(self, count: int) -> bool:
        """Whether this number of voters is more than half of all."""
        return count > len(self._state.configuration.voters) // 2

    def voters_among(self, names: Iterable[str]) -> int:
        """How many of these count; a leader whose removal is in the log does not (4.2.2)."""
        voters = self._state.configuration.voters
        return sum(name in voters for name in names)

    def may_stand(self) -> bool:
        """Learners and removed members do not stand for election (thesis, section 4.2)."""
        return self._state.name in self.voters

    def change_before_is_committed(self) -> bool:
        """One change at a time: majorities of configurations two changes apart need not meet."""
        return self._state.configurations.newest_index <= self._state.commit_index

    def leader_may_change_members(self) -> bool:
        """The thesis' correction, which the module's docstring explains."""
        return self._state.has_committed_in_its_term()

    def is_caught_up(self, learner: str) -> bool:
        """A learner that lags would make each entry wait for it once it votes (thesis, section 4.2.1)."""
        progress, state = self._followers.by_name.get(learner), self._state
        if progress is None:
            return False
        return progress.match_index + state.config.max_batch_entries >= state.log.last_index

    def has_been_removed(self) -> bool:
        """A leader leads until the entry that removes it is committed, and applied (thesis, 4.2.2)."""
        configurations = self._state.configurations
        is_applied = configurations.newest_index <= self._state.last_applied
        return is_applied and self._state.name not in configurations.newest.voters

    # ---- Changing --------------------------------------------------------------------------------------

    def append_configuration(self, configuration: Configuration, op: str | None) -> int:
        """At the leader: append a configuration, which is in force at once; returns its index."""
        state = self._state
        payload = encode_configuration(configuration)
        entry = Entry(state.log.last_index + 1, state.current_term, "configuration", payload, op)
        state.append((entry,))
        self._followers.follow(self.others)
        return entry.index


def changed(configuration: Configuration, change: MembershipChange) -> Configuration | str:
    """The configuration after a change, or why the change makes no sense."""
    voters, learners, node = configuration.voters, configuration.learners, change.node
    match change:
        case AddLearner():
            if node in configuration.members:
                return f"{node} is a member already"
            return Configuration(voters, tuple(sorted((*learners, node))))
        case Promote():
            if node not in learners:
                return f"{node} is no learner; add it as one, and let it catch up"
            return Configuration(tuple(sorted((*voters, node))), _without(learners, node))
        case Remove():
            if node not in configuration.members:
                return f"{node} is no member"
            if voters == (node,):
                return f"{node} is the only voter; a cluster without any could never change again"
            return Configuration(_without(voters, node), _without(learners, node))


def _without(names: tuple[str, ...], name: str) -> tuple[str, ...]:
    return tuple(other for other in names if other != name)
