"""Seeded bugs of the registry: how it applies entries. Some are those of the Raft of Nacos before 1.4."""

from __future__ import annotations

from harness.mutants.mutant import Mutant
from harness.mutants.registry.apply_before_commit import MUTANT as APPLY_BEFORE_COMMIT
from harness.mutants.registry.beat_deletes_unknown import MUTANT as BEAT_DELETES_UNKNOWN
from harness.mutants.registry.beats_not_counted import MUTANT as BEATS_NOT_COUNTED
from harness.mutants.registry.deregister_forgotten import MUTANT as DEREGISTER_FORGOTTEN
from harness.mutants.registry.deregister_waits_for_nobody import MUTANT as DEREGISTER_WAITS_FOR_NOBODY
from harness.mutants.registry.expire_by_own_clock import MUTANT as EXPIRE_BY_OWN_CLOCK
from harness.mutants.registry.late_beat_resurrects import MUTANT as LATE_BEAT_RESURRECTS
from harness.mutants.registry.revival_forgotten import MUTANT as REVIVAL_FORGOTTEN
from harness.mutants.registry.sessions_never_forgotten import MUTANT as SESSIONS_NEVER_FORGOTTEN
from harness.mutants.registry.silence_forgiven import MUTANT as SILENCE_FORGIVEN
from harness.mutants.registry.swap_without_compare import MUTANT as SWAP_WITHOUT_COMPARE
from harness.mutants.registry.update_keeps_weight import MUTANT as UPDATE_KEEPS_WEIGHT
from harness.mutants.registry.update_registers_absent import MUTANT as UPDATE_REGISTERS_ABSENT

REGISTRY: tuple[Mutant, ...] = (
    APPLY_BEFORE_COMMIT,
    DEREGISTER_FORGOTTEN,
    UPDATE_REGISTERS_ABSENT,
    SWAP_WITHOUT_COMPARE,
    LATE_BEAT_RESURRECTS,
    EXPIRE_BY_OWN_CLOCK,
    DEREGISTER_WAITS_FOR_NOBODY,
    BEAT_DELETES_UNKNOWN,
    UPDATE_KEEPS_WEIGHT,
    SESSIONS_NEVER_FORGOTTEN,
    BEATS_NOT_COUNTED,
    SILENCE_FORGIVEN,
    REVIVAL_FORGOTTEN,
)
"""In the order in which listings show them. A new mutant is its file in this folder and its line here."""
