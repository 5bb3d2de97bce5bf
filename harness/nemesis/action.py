"""Actions: what to do to a cluster, as values that know how they are carried out.

A fault's planner makes actions, purely; an action's `carry_out` is its injector. The injector calls the
mechanisms of a world (mechanisms/), so the same one serves real processes and simulated nodes, and it says
what was then *observed*, not what was asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec

from harness.nemesis.mechanisms.world import MechanismError, WorldMechanisms
from harness.nemesis.outcome import Outcome

Link = tuple[str, str]
"""An ordered pair (from, to): messages that `from` sends to `to`."""


class Action(msgspec.Struct, frozen=True, tag=True):
    """One thing to do to the cluster. A subclass names its nodes in `nodes`, its links in `links`."""

    verb: ClassVar[str] = ""
    """The beginning of a sentence that names the nodes or links next: `kill`."""

    def words(self) -> str:
        """The action in plain words, for stories and logs: `kill n1 n2`."""
        on = [*nodes_of(self), *(f"{a}->{b}" for a, b in links_of(self))]
        return " ".join([self.verb, *on])

    async def carry_out(self, world: WorldMechanisms) -> Outcome:
        """Do it, and say what was then observed.

        Raises:
            MechanismError: the world has no such mechanism in this run, or the mechanism failed.
        """
        raise NotImplementedError(type(self).__name__)


def nodes_of(action: Action) -> tuple[str, ...]:
    """The nodes that an action names."""
    nodes: tuple[str, ...] = getattr(action, "nodes", ())
    return nodes


def links_of(action: Action) -> tuple[Link, ...]:
    """The links that an action names."""
    links: tuple[Link, ...] = getattr(action, "links", ())
    return links


def details_of(action: Action) -> Mapping[str, Any]:
    """What an action asks for besides nodes and links, as the history keeps it."""
    asked = msgspec.structs.asdict(action)
    return {name: value for name, value in asked.items() if name not in ("nodes", "links")}


async def inject(action: Action, world: WorldMechanisms) -> Outcome:
    """Carry out an action; a mechanism that fails is an `Outcome` that took no effect."""
    try:
        return await action.carry_out(world)
    except MechanismError as error:
        return Outcome(took_effect=False, error=str(error))
