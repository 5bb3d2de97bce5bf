"""What each key of a registry held from which Raft index on, by the log.

Successive writes that leave a key as it was (a deregister that found nothing) are one version, since no reply
distinguishes them.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field

from checkers.registry.applied import AppliedLog
from checkers.registry.linearizability.by_index.witness import ranks, replay
from checkers.registry.linearizability.claims import (
    EFFECTS,
    NOTHING,
    READ,
    SNAPSHOT,
    Claims,
    claims_of,
)
from checkers.registry.names import FINAL_LOCAL, STALE_LIST, STALE_LOOKUP
from history import Recording

STALE = {STALE_LOOKUP: READ, STALE_LIST: SNAPSHOT, FINAL_LOCAL: SNAPSHOT}
ALL_EFFECTS = {**EFFECTS, **STALE}


@dataclass
class _Key:
    """Version n holds value[n] from index since[n] on; until[n] is the last write that left it so."""

    since: list[int] = field(default_factory=lambda: [0])
    until: list[int] = field(default_factory=lambda: [0])
    value: list[int] = field(default_factory=lambda: [NOTHING])


class Versions:
    """The versions of every key, and the claims of all operations, stale reads included."""

    def __init__(self, recording: Recording) -> None:
        self.claims: Claims = claims_of(recording.history, AppliedLog.of(recording.traces), ALL_EFFECTS)
        claims = self.claims
        self._keys: dict[int, _Key] = {}
        self.keys_of_service: dict[int, list[int]] = {}
        held = {*claims.key[claims.key >= 0].tolist(), *claims.listings.key.tolist()}
        for key in sorted(held):
            self.keys_of_service.setdefault(int(claims.service_of_key[key]), []).append(key)
        played = replay(claims, ranks(claims))
        puts = played.puts & (claims.index[played.claim] > 0)
        for claim, after in zip(played.claim[puts].tolist(), played.after[puts].tolist(), strict=True):
            line = self._keys.setdefault(int(claims.key[claim]), _Key())
            index = int(claims.index[claim])
            if after == line.value[-1]:
                line.until[-1] = index
            else:
                line.since.append(index)
                line.until.append(index)
                line.value.append(after)
        unknown = claims.lost.key if not claims.covered else claims.lost.key[:0]
        self.uncertain = frozenset(unknown.tolist())
        """Keys with a write whose outcome neither a client nor a trace shows."""

    def at(self, key: int, index: int) -> int:
        """What a key held when everything up to `index` was applied."""
        line = self._keys.get(key)
        return NOTHING if line is None else line.value[bisect_right(line.since, index) - 1]

    def was_ever(self, key: int, value: int) -> bool:
        """Whether a key ever held a value."""
        line = self._keys.get(key)
        return value == NOTHING if line is None else value in line.value

    def seen(self, key: int, value: int, index: int) -> tuple[int, int] | None:
        """The (earliest, latest) write that a reader of `value` at `index` may have seen; None if none fits.

        If the key did not hold that value at that index, the reader may have seen any version with that
        value.
        """
        line = self._keys.get(key) or _Key()
        if index >= 0:
            number = bisect_right(line.since, index) - 1
            if line.value[number] == value:
                return line.since[number], line.until[number]
        fits = [number for number, held in enumerate(line.value) if held == value]
        return (line.since[fits[0]], line.until[fits[-1]]) if fits else None
