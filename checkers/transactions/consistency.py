"""Consistency models, and which of them an anomaly rules out.

Adya 1999 for the levels without real time; Cerone & Gotsman (J. ACM 65, 2018) for snapshot isolation;
a *strong session* M (Daudjee & Salem, ICDE 2004) is an M whose order keeps to that of each process, a
*strong* M one that keeps to real time. Strict serializability is strong serializability.
"""

from __future__ import annotations

from collections.abc import Iterable

LIST_APPEND, RW_REGISTER = WORKLOADS = ("list-append", "rw-register")

READ_UNCOMMITTED = "read-uncommitted"
READ_COMMITTED = "read-committed"
CURSOR_STABILITY = "cursor-stability"
CONSISTENT_VIEW = "consistent-view"
SNAPSHOT_ISOLATION = "snapshot-isolation"
REPEATABLE_READ = "repeatable-read"
SERIALIZABLE = "serializable"
MONOTONIC_ATOMIC_VIEW = "monotonic-atomic-view"
READ_ATOMIC = "read-atomic"
CAUSAL = "causal"
PRAM = "pram"

BASE = (
    READ_UNCOMMITTED,
    READ_COMMITTED,
    CURSOR_STABILITY,
    CONSISTENT_VIEW,
    SNAPSHOT_ISOLATION,
    REPEATABLE_READ,
    SERIALIZABLE,
)
PREFIXES = ("", "strong-session-", "strong-")
STRICT_SERIALIZABLE = "strict-serializable"
OTHER_NAMES = {
    STRICT_SERIALIZABLE: "strong-serializable",
    CAUSAL: "strong-session-causal",
    PRAM: "strong-session-pram",
}
DECIDED_WEAK: tuple[str, ...] = (
    READ_COMMITTED,
    "strong-session-read-committed",
    MONOTONIC_ATOMIC_VIEW,
    "strong-session-monotonic-atomic-view",
    READ_ATOMIC,
    "strong-session-read-atomic",
    CAUSAL,
    PRAM,
)
"""The models of registers that `weak` decides, the weakest first (PRAM apart)."""
ONLY_REGISTERS = frozenset(DECIDED_WEAK[2:])
"""The models that are not judged for list-append."""

WEAK = frozenset({MONOTONIC_ATOMIC_VIEW, READ_ATOMIC, CAUSAL, PRAM})
ALL = frozenset(BASE) | WEAK
COMMITTED = ALL - {READ_UNCOMMITTED}
VIEWS = COMMITTED - {READ_COMMITTED, CURSOR_STABILITY} - WEAK
RULED_OUT: dict[str, frozenset[str]] = {
    "G0": ALL - {PRAM},
    "duplicate-elements": ALL,
    "garbage-read": COMMITTED,
    "incompatible-order": COMMITTED - {PRAM},
    "dirty-update": COMMITTED - WEAK,
    "G1a": COMMITTED,
    "G1b": COMMITTED,
    "G1c": COMMITTED - {PRAM},
    "internal": COMMITTED,
    "cyclic-versions": VIEWS,
    "non-monotonic-reads": VIEWS | {MONOTONIC_ATOMIC_VIEW, READ_ATOMIC, CAUSAL},
    "lost-update": VIEWS | {CURSOR_STABILITY},
    "non-repeatable-read": VIEWS | {READ_ATOMIC, CAUSAL, PRAM},
    "fractured-reads": VIEWS | {READ_ATOMIC, CAUSAL},
    "causality-violation": VIEWS | {CAUSAL},
    "pram-violation": frozenset({SNAPSHOT_ISOLATION, SERIALIZABLE, PRAM}),
    "G-single": VIEWS,
    "G-nonadjacent": VIEWS - {CONSISTENT_VIEW},
    "G2-item": frozenset({REPEATABLE_READ, SERIALIZABLE}),
}
"""By anomaly, without what it rests on, the models in which it never occurs. The gravest first."""

LEVELS_OF = {"": 0, "-process": 1, "-realtime": 2}


def split_name(anomaly: str) -> tuple[str, int]:
    """(name, level) of `G-single-realtime` and the like."""
    for suffix in ("-process", "-realtime"):
        if anomaly.endswith(suffix):
            return anomaly.removesuffix(suffix), LEVELS_OF[suffix]
    return anomaly, 0


MODELS: tuple[str, ...] = (
    *(prefix + base for prefix in PREFIXES for base in BASE),
    STRICT_SERIALIZABLE,
    *DECIDED_WEAK[2:],
)
"""Every model that can be asked for."""


SEARCHED = {SNAPSHOT_ISOLATION: True, REPEATABLE_READ: False, SERIALIZABLE: False}
"""The models that are exactly the existence of an order of all transactions, and whether that is one of
snapshots.

Without reads of predicates, repeatable read is serializability.
"""
IMPLIED_BY_SNAPSHOTS = frozenset({CURSOR_STABILITY, CONSISTENT_VIEW})
"""Models that snapshot isolation implies, and that are not decided on their own."""


def base_of(model: str) -> str:
    """A model without what it keeps to: `snapshot-isolation` of `strong-snapshot-isolation`."""
    model = OTHER_NAMES.get(model, model)
    return model.removeprefix(PREFIXES[level_of(model)])


def refuted_with(model: str) -> tuple[str, ...]:
    """A searched model that a history does not keep, with all stronger ones, weakest first."""
    snapshots = SEARCHED[base_of(model)]
    bases = [base for base, one in SEARCHED.items() if snapshots or not one]
    gone = {prefix + base for prefix in PREFIXES[level_of(model) :] for base in bases}
    gone |= {name for name, other in OTHER_NAMES.items() if other in gone}
    return tuple(one for one in MODELS if one in gone)


def level_of(model: str) -> int:
    """What a model keeps to: 0 the values alone, 1 the order of processes too, 2 real time too."""
    model = OTHER_NAMES.get(model, model)
    return next(level for level in (1, 2, 0) if model.startswith(PREFIXES[level]))


def ruled_out(anomalies: Iterable[str]) -> tuple[str, ...]:
    """The models that these anomalies rule out, weakest first."""
    gone = set()
    for anomaly in anomalies:
        name, level = split_name(anomaly)
        gone |= {prefix + base for prefix in PREFIXES[level:] for base in RULED_OUT[name]}
    gone |= {name for name, whole in OTHER_NAMES.items() if whole in gone}
    return tuple(model for model in MODELS if model in gone)


def gravity(anomaly: str) -> tuple[int, int]:
    """To sort anomalies by: what rules out most comes first."""
    name, level = split_name(anomaly)
    return level, list(RULED_OUT).index(name)
