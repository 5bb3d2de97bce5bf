"""What a workload is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from checkers.check_all import Suite
from checkers.watching import HistoryWatch
from harness.client.codecs.retries import Retries
from harness.generator import GeneratorLike


@dataclass(frozen=True)
class Workload:
    """The operations of the clients in one run, and the checkers that judge them."""

    name: str
    data_type: str
    """The data type that the system must have: see harness/client/data_types.py."""
    generator: GeneratorLike
    """What clients do while faults go on. It has no end; the run's time limit ends it."""
    final: GeneratorLike
    """What clients do after the final heal: show that writes work again, then read everything back."""
    checkers: Suite
    final_within: Callable[[float], GeneratorLike] | None = None
    """Makes `final` for a system whose nodes may stay behind for these seconds; None where that changes
    nothing."""
    retries: Retries | None = None
    """How clients repeat a write; None if they never do."""
    watches: Callable[[], tuple[HistoryWatch, ...]] = tuple
    """Makes what looks at the history as a run goes on, so that it can stop at its first violation."""
