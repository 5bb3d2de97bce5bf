"""What a walk writes down: values alone, which are kept as JSON."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Self

import msgspec

DOWN = "down"
"""The role of a member whose process does not run."""
NO_STATUS = "no status"
"""The role of a member that runs, and gives no status."""


class Seen(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one member said of itself at a moment, or `DOWN` or `NO_STATUS` in the place of a role."""

    role: str
    term: int | None = None
    leader: str | None = None
    """Whom it names as the leader."""


class Moment(msgspec.Struct, frozen=True, omit_defaults=True):
    """One moment of the walk: what had just been done, and what each member then said."""

    name: str
    at_s: float
    """Seconds since the walk began."""
    seen: Mapping[str, Seen]
    notes: tuple[str, ...] = ()
    """What was answered or observed, in words."""


class Window(msgspec.Struct):
    """From when to when something happened, by the clock of the day and by the nodes' monotonic clock."""

    since: float
    since_ns: int
    until: float = 0.0
    until_ns: int = 0

    @classmethod
    def opened(cls) -> Self:
        """One that begins now."""
        return cls(time.time(), time.monotonic_ns())

    def close(self) -> None:
        """It ends now."""
        self.until, self.until_ns = time.time(), time.monotonic_ns()


class Registration(msgspec.Struct):
    """The registration through a follower whose steps are looked for."""

    number: int
    """The id of its operation."""
    text: str
    """The id of the registration, which nothing else holds."""
    asked: str
    leader: str
    window: Window


class Silenced(msgspec.Struct):
    """What the silent follower was seen to hold, and when it was silent."""

    node: str
    leader: str
    window: Window
    acknowledged: int = 0
    leader_held: int = 0
    held: list[tuple[float, int]] = []


class Walked(msgspec.Struct):
    """What a walk has seen by now; packets and traces say the rest."""

    moments: list[Moment] = []
    registration: Registration | None = None
    silenced: Silenced | None = None


class Step(msgspec.Struct, frozen=True, omit_defaults=True):
    """One step of a registration."""

    after_ms: float
    """Since the first step. All members run on one machine, and have one clock."""
    where: str
    """The member, or `a -> b` for a message."""
    what: str


class Silence(msgspec.Struct, frozen=True):
    """A follower that no message reaches for a while, and what it is sent until it equals the leader."""

    node: str
    silent_s: float
    acknowledged: int
    """How many registrations were acknowledged meanwhile."""
    leader_held: int
    """How many of them the leader showed itself, acknowledged or not."""
    sent_while_silent: int
    """How many messages, or packets, left the leader for it meanwhile."""
    counted: str
    """What `sent_while_silent` counts."""
    held: tuple[tuple[float, int], ...]
    """How many of these registrations it showed, by seconds after the links were mended, at each change."""


class Walk(msgspec.Struct, frozen=True):
    """One walk of one system."""

    system: str
    """The name and version, and who published the build."""
    date: str
    command: str
    load: float
    """The load of the machine before the walk."""
    moments: tuple[Moment, ...]
    steps: tuple[Step, ...]
    steps_from: str
    """Where the steps were found: node traces, or packets."""
    silence: Silence
