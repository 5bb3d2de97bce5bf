"""What `ackproof mutants --generated` shows: a line for each hunt, the score by module, and the survivors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.console import Console

from harness.sim.seeds.generated import OUTCOMES, GeneratedHunt, score

ROW = "{module:30} {drawn:>6} {caught:>7} {stillborn:>10} {endless:>8} {survived:>9}"


def show_one(hunt: GeneratedHunt, done: int, drawn: int) -> None:
    """Print on standard error how one hunt ended."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    by = f" by {', '.join(hunt.caught_by)}" if hunt.caught_by else ""
    console.print(
        f"{done} of {drawn} hunted, {hunt.wall_s:.0f} s, {hunt.outcome}{by} after {hunt.seeds}: "
        f"{hunt.mutation.function}, {hunt.mutation.kind}",
        markup=False,
    )


def show(hunts: Sequence[GeneratedHunt], every: int) -> None:
    """Print the table of modules, the sum, and the survivors.

    Args:
        every: how many mutations the sample was drawn from.
    """
    console = Console(highlight=False, soft_wrap=True)
    names = {name: name for name in OUTCOMES}
    console.print(ROW.format(module="module", drawn="drawn", **names).rstrip(), style="bold")
    for module, outcomes in score(hunts).items():
        _row(console, module, outcomes)
    total = Counter[str](hunt.outcome for hunt in hunts)
    _row(console, "all", total)
    console.print(
        f"caught {total['caught']} of {len(hunts)}, drawn from {every:,} mutations; besides, "
        f"{total['stillborn']} never worked and {total['endless']} never ended"
    )
    for hunt in hunts:
        if hunt.outcome == "survived":
            mutation = hunt.mutation
            console.print(
                f"survived: {mutation.module.removeprefix('node_impl.core.')}, {mutation.function}, line "
                f"{mutation.line}, {mutation.kind}: {mutation.before}  ->  {mutation.after}",
                markup=False,
            )


def _row(console: Console, module: str, outcomes: Counter[str]) -> None:
    counts = {outcome: outcomes[outcome] or "" for outcome in OUTCOMES}
    console.print(ROW.format(module=module, drawn=outcomes.total(), **counts).rstrip(), markup=False)
