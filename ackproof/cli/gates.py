"""How a gate's result is shown to people; for `ackproof gate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ackproof.cli.campaigns import show_findings
from ackproof.cli.output.printing import say

if TYPE_CHECKING:
    from harness.gate.result import GateResult

MOST_LEFT_OUT = 6


def show_gate(result: GateResult, store: Path) -> None:
    """Print what a gate says: the reasons, the power, and its findings with the lines that run them again."""
    summary = result.summary
    done = f"{summary.runs} of {summary.asked} runs in {summary.elapsed_s:.0f} s" if summary else "no run"
    say(f"gate {result.outcome}: {done}")
    for reason in result.reasons:
        say(f"  {reason}")
    if result.looks_like:
        say(f"  it looks like the seeded bug {', or '.join(result.looks_like)}")
    say(f"power: {result.reached}")
    for undecided in result.undecided:
        if undecided not in result.reasons:
            say(undecided)
    for comparison in result.comparisons:
        if comparison.answer == "not worse":
            say(comparison.in_words)
    for unseen in result.unseen:
        say(unseen.in_words)
    _show_left_out(result)
    if result.findings:
        say("")
        show_findings(result.findings, store)
    if summary is not None:
        say(f"every run: {summary.folder}/campaign.jsonl")


def _show_left_out(result: GateResult) -> None:
    """Print what was not run and why, by reason."""
    reasons = dict.fromkeys(one.why for one in result.left_out)
    for why in reasons:
        names = [one.what for one in result.left_out if one.why == why]
        more = f" and {len(names) - MOST_LEFT_OUT} more" if len(names) > MOST_LEFT_OUT else ""
        say(f"left out, as {why}: {', '.join(names[:MOST_LEFT_OUT])}{more}")
