"""Generators: immutable values that say which operation comes next, and when.

Start with base.py (what a generator is) and docs/generators.md (examples). Some names are those of builtins,
so use the package as a namespace: `from harness import generator as gen`, then `gen.mix(...)`.

Each file holds one family of combinators. Nothing here performs an operation, reads a clock, or knows a
system or a fault.
"""

from harness.generator.base import (
    NEVER,
    PENDING,
    Answer,
    Context,
    Generator,
    GeneratorError,
    GeneratorLike,
    LogLine,
    Pending,
)
from harness.generator.bounds import limit, once, until_ok
from harness.generator.choice import any, mix
from harness.generator.draw import Draw
from harness.generator.order import cycle, flip_flop, phases, repeat, synchronize, then
from harness.generator.routing import clients, each_process, each_thread, nemesis, on_threads, reserve
from harness.generator.sources import as_generator, log
from harness.generator.timing import delay, sleep, stagger, time_limit
from harness.generator.transform import f_map, filter, map

__all__ = [
    "NEVER",
    "PENDING",
    "Answer",
    "Context",
    "Draw",
    "Generator",
    "GeneratorError",
    "GeneratorLike",
    "LogLine",
    "Pending",
    "any",
    "as_generator",
    "clients",
    "cycle",
    "delay",
    "each_process",
    "each_thread",
    "f_map",
    "filter",
    "flip_flop",
    "limit",
    "log",
    "map",
    "mix",
    "nemesis",
    "on_threads",
    "once",
    "phases",
    "repeat",
    "reserve",
    "sleep",
    "stagger",
    "synchronize",
    "then",
    "time_limit",
    "until_ok",
]
