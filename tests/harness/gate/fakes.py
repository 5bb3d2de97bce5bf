"""Known bugs with odds that are made up, and gates of cheap runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.campaign.cells import Cell
from harness.campaign.executors import Perform
from harness.campaign.findings.baseline import Known
from harness.campaign.findings.gathering import findings
from harness.campaign.journal import stored_campaigns
from harness.gate.known_bugs.seeded import Measured, MeasuredCell, SeededBug, SeededBugs
from harness.gate.result import GateResult, gate_result
from tests.harness.campaign.fakes import carried_out, plan

OFTEN = SeededBug(mutant="forgetful", workload="registry", found=38, runs=40)
SELDOM = SeededBug(mutant="list-in-halves", workload="registry", found=1, runs=40)
OF_SESSIONS = SeededBug(mutant="sessions-not-in-snapshot", workload="sessions", found=20, runs=40)
KNOWN = SeededBugs(
    version=1,
    measured=Measured("made up", "2026-01-01T00:00:00Z", {}, {}),
    cells=(
        MeasuredCell(workload="registry", seconds=0.5, first_seconds=(0.4, 0.6), runs=40, undecided=10),
        MeasuredCell(workload="sessions", seconds=0.25, runs=40, undecided=0),
    ),
    bugs=(OFTEN, SELDOM, OF_SESSIONS),
)
REGISTRY, SESSIONS = Cell(), Cell(workload="sessions")


def gated(
    store: Path,
    perform: Perform,
    *cells: Cell,
    baseline: Mapping[str, Known] | None = None,
    known: SeededBugs = KNOWN,
    remedy: str = "",
    **settings: Any,
) -> GateResult:
    """What a gate says of these cells, whose runs this function does."""
    stored = carried_out(store, plan(*cells, **settings), perform)
    listed = baseline or {}
    found = findings(stored_campaigns(store), listed)
    return gate_result(stored, found, known, baseline=listed, remedy=remedy)
