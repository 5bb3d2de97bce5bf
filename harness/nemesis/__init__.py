"""Faults as values: what breaks, when, how it heals, and what came of it.

Start with base.py (actions and worlds), then kill.py (a whole fault package). What may live here: pure
planners, schedules, and the one coroutine that asks a world to carry plans out. What may not: how
a process is killed or a link cut (harness/hosts), or anything that reads a clock or draws at random.
"""

from harness.nemesis.catalogue import ALL, NEMESES, all_survivable, nemesis_of
from harness.nemesis.nemesis import FINAL_HEAL, Nemesis, compose
from harness.nemesis.package import FaultPackage

__all__ = [
    "ALL",
    "FINAL_HEAL",
    "NEMESES",
    "FaultPackage",
    "Nemesis",
    "all_survivable",
    "compose",
    "nemesis_of",
]
