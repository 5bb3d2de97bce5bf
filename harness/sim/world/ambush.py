"""Ambushes in virtual time: shown every process after each step, they strike before anything follows."""

from __future__ import annotations

from typing import Any

from harness.nemesis.faults.cluster.ambush import LieInWait
from harness.sim.world.process import Process, Surroundings

_MS = 1_000_000


class Ambush:
    """One wait, which ends by a blow, or by its time. It is the world's `watcher` until then."""

    def __init__(self, wait: LieInWait, world: Surroundings) -> None:
        self._wait = wait
        self._world = world
        self._until = world.now + wait.within_ms * _MS
        self.met: dict[str, Any] | None = None
        """Whom it struck, and what was so at that moment."""

    def __call__(self, process: Process) -> None:
        """Is this the moment?"""
        if self.met is not None or self._world.now > self._until:
            self._world.watcher = None
            return
        standing = process.leads_with()
        if standing is None or standing[0] <= self._wait.after_term:
            return
        term, commit, last, has_committed = standing
        if self._wait.moment == "uncommitted" and not (has_committed and last > commit):
            return
        self.met = {"struck": process.name, "term": term, "commit": commit, "last": last}
        self._world.watcher = None
        self._world.at(self._world.now, self._strike, (process, process.life))

    def _strike(self, prey: tuple[Process, int]) -> None:
        process, life = prey
        if not process.is_running or process.life != life:
            self.met = None  # something else of this instant was first
        elif self._wait.by == "kill":
            process.kill("ambush")
        elif not process.is_paused:
            process.pause()
