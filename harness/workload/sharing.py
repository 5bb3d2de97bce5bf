"""How the clients of a run share its work."""

from __future__ import annotations

import math

from harness.generator import GeneratorLike, reserve


def half_only_read(concurrency: int, mixed: GeneratorLike, reading: GeneratorLike) -> GeneratorLike:
    """Half of the clients do operations of all kinds, the others only read; a single client does all kinds.

    A client whose write hangs at a deposed leader cannot send a read to it, and the reads that such a leader
    still answers are the interesting ones.
    """
    return mixed if concurrency == 1 else reserve((math.ceil(concurrency / 2), mixed), default=reading)
