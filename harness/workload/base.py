"""What makes a workload."""

from __future__ import annotations

from dataclasses import dataclass

from checkers.verdict import Checker
from harness.client.codecs.base import Codec
from harness.client.codecs.retries import Retries
from harness.generator import GeneratorLike


@dataclass(frozen=True)
class Workload:
    """Client work for one run, and its judges."""

    name: str
    codec: Codec
    generator: GeneratorLike
    """What clients do while faults go on; endless."""
    final: GeneratorLike
    """What clients do once everything is healed: show that writes work again, then read all back. Ends."""
    checkers: tuple[Checker, ...]
    retries: Retries | None = None
    """Whether and how clients send a write again; None: never."""
