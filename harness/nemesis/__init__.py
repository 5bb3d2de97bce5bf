"""Faults as values: what breaks, when it breaks, how it heals, and what proves that it took effect.

Start with fault.py (what one fault is), then faults/processes/kill.py (a whole fault). `catalogue.py` lists
all faults, `schedule.py` says when they come, `nemesis.py` performs them. A fault's actions call the
mechanisms that `mechanisms/` declares; harness/cluster implements these for real processes, harness/sim for
simulated ones. No file here reads a clock, draws at random, or knows how a process is killed.
"""

from harness.nemesis.catalogue import ALL, NEMESES, all_survivable, nemesis_of
from harness.nemesis.fault import Fault
from harness.nemesis.nemesis import Nemesis, compose
from history.nemesis import FINAL_HEAL

__all__ = [
    "ALL",
    "FINAL_HEAL",
    "NEMESES",
    "Fault",
    "Nemesis",
    "all_survivable",
    "compose",
    "nemesis_of",
]
