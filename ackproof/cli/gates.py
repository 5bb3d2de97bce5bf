"""How a gate's result is shown to people; for `ackproof gate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ackproof.cli.campaigns import show_findings
from ackproof.cli.printing import say

if TYPE_CHECKING:
    from harness.gate.result import GateResult


def show_gate(result: GateResult, store: Path) -> None:
    """Print what a gate says: the reasons, the power, and its findings with the lines that run them again."""
    summary = result.summary
    say(f"gate {result.outcome}: {summary.runs} of {summary.asked} runs in {summary.elapsed_s:.0f} s")
    for reason in result.reasons:
        say(f"  {reason}")
    say(f"power: {result.reached}")
    if result.findings:
        say("")
        show_findings(result.findings, store)
    say(f"every run: {summary.folder}/campaign.jsonl")
