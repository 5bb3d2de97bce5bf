"""Mechanisms of the cluster as a whole: its members, and moments in the life of its leaders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Protocol

import msgspec

from harness.nemesis.mechanisms.world import Mechanism

MemberChange = Literal["add-learner", "promote", "remove"]
Moment = Literal["new-leader", "uncommitted"]
"""A leader has just appeared; or a leader holds more than it has committed."""
Strike = Literal["kill", "pause"]


class MemberReply(msgspec.Struct, frozen=True):
    """What a leader answered to a request for a change of one member."""

    outcome: Literal["done", "refused", "unknown"]
    in_force: bool
    """Whether the change was seen in force; it may still be undone unless the outcome is `done`."""
    reason: str | None = None


class Members(Protocol):
    """The members of the cluster, changed by asking a leader as an administrator would."""

    async def ask(self, leader: str, change: MemberChange, node: str) -> MemberReply:
        """Ask the leader once for one change."""
        ...


class ExactMoments(Protocol):
    """A world that can strike a leader exactly at a moment, with nothing happening in between.

    Worlds without it poll for the moment, and strike some milliseconds late.
    """

    def lie_in_wait(self, moment: Moment, by: Strike, after_term: int, within_ms: int) -> None:
        """Strike the first leader of a later term that is at the moment, once, within so much time."""
        ...

    def end_wait(self) -> Mapping[str, Any] | None:
        """End the wait; which node was struck and its state at that moment, None if none was."""
        ...


MEMBERS = Mechanism[Members]("members that can be changed", fewest_nodes=2)
EXACT_MOMENTS = Mechanism[ExactMoments]("strikes at an exact moment")
