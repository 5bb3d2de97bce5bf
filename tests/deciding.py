"""Runs of real processes that tests need a decision of.

On a busy machine a fault may come too late, or meet no leader. Such a run proves little and is `unknown`, as
it should be, and says nothing about what a test is for; so the next seed is tried. A violation counts
at once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec

from ackproof.cli.output.exits import Exit
from checkers.verdict import Validity, Verdict
from harness.run.folder import RunFolder
from harness.run.judging import judge
from harness.run.runner import run
from harness.run.test import Test

SEEDS = (5, 6, 7)

Ended = TypeVar("Ended", bound=tuple[Any, ...])
"""How a run ended; its exit status comes first."""


def decided(run: Callable[[int], Ended], seeds: Sequence[int] = SEEDS) -> Ended:
    """The first run by these seeds that is not `unknown` by its exit status; the last if there is none."""
    for seed in seeds[:-1]:
        ended = run(seed)
        if ended[0] != Exit.UNKNOWN:
            return ended
    return run(seeds[-1])


class Judged(NamedTuple):
    """A run, and what checkers say of it."""

    status: int
    """That of `unknown` if one of the checkers that were asked for could not tell, and none accuses."""
    folder: RunFolder
    found: dict[str, Verdict]
    """Every verdict, by its checker."""


def judged(test: Test, store: Path, checkers: Collection[str], seeds: Sequence[int] = SEEDS) -> Judged:
    """Run a test until these checkers, as far as the run has them, decide (as `decided`)."""

    def ran(seed: int) -> Judged:
        one = msgspec.structs.replace(test, seed=seed)
        folder = run(one, store, command=("ackproof", "run"), quiet=True)
        found = {verdict.checker: verdict for verdict in judge(folder).verdicts}
        asked = {found[checker].validity for checker in checkers if checker in found}
        undecided = Validity.UNKNOWN in asked and Validity.INVALID not in asked
        return Judged(Exit.UNKNOWN if undecided else Exit.VALID, folder, found)

    return decided(ran, seeds)
