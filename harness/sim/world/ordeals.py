"""What of a plan's incidents befalls one node, and when: counted here, done by its process.

Effects, leads, writes and starts are numbered over the whole run, from 1.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.sim.plan.incidents import BadWrite, Coup, Crash, Hush, Incident, Rot


class Ordeals:
    """One node's."""

    def __init__(self, node: str, incidents: Sequence[Incident]) -> None:
        mine = [incident for incident in incidents if getattr(incident, "node", None) == node]
        self._node = node
        self._crashes = sorted((one for one in mine if isinstance(one, Crash)), key=lambda one: one.effect)
        self.crash_at = self._crashes[0].effect if self._crashes else 0
        """Before which effect the process ends next; 0: never."""
        self._coups = {one.lead: one for one in mine if isinstance(one, Coup)}
        self._bad_writes = {one.write: one for one in mine if isinstance(one, BadWrite)}
        self._rots = {one.start: one for one in mine if isinstance(one, Rot)}
        self._hushes: dict[int, dict[str, Hush]] = {}
        for one in mine:
            if isinstance(one, Hush):
                self._hushes.setdefault(one.lead, {})[one.receiver] = one
        self.minds_leading = bool(self._coups or self._hushes)
        """Whether it is to be told of the node's leads."""
        self._leads = 0
        self._hushed: dict[str, tuple[int, int]] = {}
        """By receiver: how many messages are still heard, and until when what follows is lost."""

    def calm(self) -> None:
        """From now on nothing befalls it."""
        self._crashes, self.crash_at, self.minds_leading = [], 0, False
        self._coups, self._bad_writes, self._rots, self._hushed = {}, {}, {}, {}

    # ---- leading ---------------------------------------------------------------------------------------

    def began_to_lead(self, effects: int, now: int) -> None:
        """At its `effects`-th effect."""
        self._leads += 1
        coup = self._coups.get(self._leads)
        if coup is not None:
            crash = Crash(self._node, effects + coup.effects, coup.power_lost, coup.down_ns)
            self._crashes = sorted((*self._crashes, crash), key=lambda one: one.effect)
            self.crash_at = self._crashes[0].effect
        hushes = self._hushes.get(self._leads, {})
        self._hushed = {receiver: (hush.heard, now + hush.for_ns) for receiver, hush in hushes.items()}

    def leads_no_more(self) -> None:
        """For whatever reason."""
        self._hushed = {}

    def is_hushed(self, receiver: str, now: int) -> bool:
        """Whether the message that it sends there now is lost."""
        if receiver not in self._hushed:
            return False
        heard, until = self._hushed[receiver]
        if now >= until:
            del self._hushed[receiver]
            return False
        self._hushed[receiver] = (heard - 1, until)
        return heard <= 0

    # ---- the rest --------------------------------------------------------------------------------------

    def next_crash(self, effects: int) -> Crash:
        """The one that is due at this effect."""
        crash = self._crashes.pop(0)
        while self._crashes and self._crashes[0].effect <= effects:
            self._crashes.pop(0)
        self.crash_at = self._crashes[0].effect if self._crashes else 0
        return crash

    def bad_write(self, write: int) -> BadWrite | None:
        """How that write fails, if it does."""
        return self._bad_writes.get(write)

    def rot(self, start: int) -> Rot | None:
        """What happened to the log before that start."""
        return self._rots.get(start)
