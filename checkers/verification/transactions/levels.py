"""The levels of isolation that a certificate may name, and which of them an order of transactions shows."""

from __future__ import annotations

from typing import NamedTuple

from checkers.verification.certificate import CertificateError

SNAPSHOT_ISOLATION = "snapshot-isolation"
LEVELS = (
    "read-uncommitted",
    "read-committed",
    "cursor-stability",
    "consistent-view",
    SNAPSHOT_ISOLATION,
    "repeatable-read",
    "serializable",
)
"""The weakest first. Each may have the prefix of sessions or of real time."""
SHOWN_BY_SNAPSHOTS = (SNAPSHOT_ISOLATION, *LEVELS[:4])
"""The levels that every history of snapshot isolation keeps."""
SHOWN_BY_ORDERS = ("serializable", "repeatable-read")
"""The levels that ask for an order of transactions, one after the other."""
OF_REGISTERS = ("monotonic-atomic-view", "read-atomic")
"""Levels of registers alone, which may have the prefix of sessions."""
WITH_SESSIONS = ("causal", "pram")
"""Levels of registers alone, whose orders always keep to that of each process."""
SESSIONS, REAL_TIME = "strong-session-", "strong-"


class Level(NamedTuple):
    """A level: its name without prefixes, and what an order must keep to."""

    base: str
    sessions: bool
    real_time: bool


def level_of(name: str, *, lists: bool) -> Level:
    """The level of this name.

    Raises:
        CertificateError: there is no such level for lists, or for registers.
    """
    asked = "strong-serializable" if name == "strict-serializable" else name
    sessions = asked.startswith(SESSIONS)
    real_time = not sessions and asked.startswith(REAL_TIME)
    base = asked.removeprefix(SESSIONS).removeprefix(REAL_TIME)
    if base in LEVELS:
        return Level(base, sessions or real_time, real_time)
    if not lists and base in OF_REGISTERS and not real_time:
        return Level(base, sessions, real_time)
    if not lists and asked in WITH_SESSIONS:
        return Level(base, True, False)
    raise CertificateError(f"no level {name!r} of {'lists' if lists else 'registers'} is known")
