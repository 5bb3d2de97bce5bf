"""The leader's memory of beats: when each ephemeral instance beat last, and what follows from silence.

Beats do not go through the log: that would cost an fsync at a majority for each sign of life. The leader
alone remembers them, and only its judgements are logged: `Expire` says which registration (by its index)
became unhealthy, was removed, or is healthy again. So

- no follower's clock matters, and every node has the same instances at the same index;
- an expiry decided before a registration never removes it, wherever the two come to stand in the log;
- a new leader, which knows of no beat, gives every instance its full time from then on, and so does one
  that was asleep (stopped, or starved of the processor): it may have missed beats.

Pure: the node gives the time and carries out what is decided.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable

from node_impl.core.config import MILLISECOND_NS
from node_impl.core.events import Effect, SetTimer
from node_impl.core.registry.registry import Registry
from node_impl.core.requests import Expire, Instance, InstanceKey

MAX_DECISIONS = 256
"""Expiries decided in one step; more follow at once, in the next."""


class _Life:
    """One registration, as the leader of the term sees it."""

    __slots__ = ("delete_ns", "due", "is_leaving", "is_unhealthy", "last", "registered", "timeout_ns")

    def __init__(self, instance: Instance, now: int) -> None:
        assert instance.beats is not None
        self.registered = instance.index
        self.timeout_ns = instance.beats.timeout_ms * MILLISECOND_NS
        self.delete_ns = instance.beats.delete_ms * MILLISECOND_NS
        self.last = now
        self.is_unhealthy = not instance.healthy
        """Whether it is unhealthy once all decisions are applied."""
        self.is_leaving = False
        """Whether its removal was decided."""
        self.due = 0
        """When the watch looks at it again: the one entry of the heap that counts."""

    def next_due(self) -> int:
        """The time at which silence has its next consequence."""
        is_settled = self.is_unhealthy or self.is_leaving
        wait_ns = self.delete_ns if is_settled else min(self.timeout_ns, self.delete_ns)
        return self.last + wait_ns


class BeatWatch:
    """What one leader knows of beats in its term.

    patience_ns: a timer that comes later than this says that the node was asleep.
    """

    def __init__(self, timer: str, registry: Registry, patience_ns: int) -> None:
        self.timer = timer
        self._patience_ns = patience_ns
        self.term = 0
        """The term in which this node watches; 0 while it does not lead."""
        self._registry = registry
        self._lives: dict[InstanceKey, _Life] = {}
        self._heap: list[tuple[int, InstanceKey, int]] = []
        """(due, key, registered): an entry counts only while it agrees with the life of its key."""
        self._armed_at = 0
        """When the timer fires; 0 if it is not set."""

    def __len__(self) -> int:
        return len(self._lives)

    def begin(self, term: int, now: int, effects: list[Effect]) -> None:
        """This node leads: from now on each instance has its full time."""
        self.end()
        self.term = term
        self.follow(self._registry.services.ephemeral(), now, effects)

    def end(self) -> None:
        """This node does not lead any more: another's clock counts."""
        self.term, self._armed_at = 0, 0
        self._lives, self._heap = {}, []

    def follow(self, instances: Iterable[Instance], now: int, effects: list[Effect]) -> None:
        """These were registered; those known already, whose health alone changed, are skipped."""
        if not self.term:
            return
        for instance in instances:
            known = self._lives.get(instance.key)
            if known is None or known.registered < instance.index:
                life = self._lives[instance.key] = _Life(instance, now)
                self._await(instance.key, life)
        self._arm(now, effects)

    def beat(self, instance: Instance, now: int, effects: list[Effect]) -> Expire | None:
        """An instance beat; returns the decision that must be logged because of it.

        Before this node watches there is nothing to remember: the full time lies ahead.
        """
        life = self._lives.get(instance.key)
        if life is None or life.registered != instance.index:
            return None
        life.last = now
        if not life.is_unhealthy:
            return None  # the heap finds out when it comes to it
        life.is_unhealthy = False
        self._await(instance.key, life)
        self._arm(now, effects)
        return Expire(instance.key, instance.index, "healthy")

    def is_leaving(self, instance: Instance) -> bool:
        """Whether its removal is decided, though not applied: a beat comes too late for it."""
        life = self._lives.get(instance.key)
        return life is not None and life.registered == instance.index and life.is_leaving

    def due(self, now: int, effects: list[Effect]) -> list[Expire]:
        """The timer fired: returns the decisions that must be logged because of silence; sets the timer
        again."""
        if self._armed_at and self.was_asleep(now - self._armed_at):
            self._wake(now, effects)
            return []
        self._armed_at = 0
        decided: list[Expire] = []
        while self._heap and self._heap[0][0] <= now and len(decided) < MAX_DECISIONS:
            due, key, registered = heapq.heappop(self._heap)
            life = self._lives.get(key)
            if life is None or (life.due, life.registered) != (due, registered):
                continue
            held = self._registry.get(key)
            if held is None or held.index != registered:
                del self._lives[key]  # deregistered, or replaced by one that does not beat
            elif now >= life.last + life.delete_ns:
                if not life.is_leaving:
                    decided.append(Expire(key, registered, "removed"))
                life.is_leaving, life.last = True, now  # looked at once more, to be forgotten when it is gone
                self._await(key, life)
            elif now >= life.last + life.timeout_ns and not (life.is_unhealthy or life.is_leaving):
                life.is_unhealthy = True
                decided.append(Expire(key, registered, "unhealthy"))
                self._await(key, life)
            else:
                self._await(key, life)
        self._arm(now, effects)
        return decided

    def _wake(self, now: int, effects: list[Effect]) -> None:
        """Each instance has its full time again. What was decided of it stays decided: it stands in the log,
        and may not be applied yet."""
        before = self._lives
        self.begin(self.term, now, effects)
        for key, life in self._lives.items():
            known = before.get(key)
            if known is None or known.registered != life.registered:
                continue
            if (known.is_unhealthy, known.is_leaving) != (life.is_unhealthy, life.is_leaving):
                life.is_unhealthy, life.is_leaving = known.is_unhealthy, known.is_leaving
                self._await(key, life)
        self._arm(now, effects)

    def was_asleep(self, late_ns: int) -> bool:
        """Whether a timer that is this late means that beats may wait unread."""
        return late_ns > self._patience_ns

    def _await(self, key: InstanceKey, life: _Life) -> None:
        life.due = life.next_due()
        heapq.heappush(self._heap, (life.due, key, life.registered))

    def _arm(self, now: int, effects: list[Effect]) -> None:
        if not self._heap:
            return
        # What one step left over is not late: it was only too much for one step.
        at = max(self._heap[0][0], now)
        if not self._armed_at or at < self._armed_at:
            self._armed_at = at
            effects.append(SetTimer(self.timer, at))
