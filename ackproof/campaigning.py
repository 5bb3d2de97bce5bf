"""Campaigns and findings from Python: what `ackproof.campaign` and `ackproof.findings` do."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from harness.campaign.findings.baseline import Known, read_baseline
from harness.campaign.findings.gathering import Finding
from harness.campaign.findings.gathering import findings as findings_of
from harness.campaign.journal import Stored, stored_campaigns
from harness.campaign.summary import CampaignOutcome, CampaignSummary, summary_of
from harness.errors import CouldNotRun

if TYPE_CHECKING:
    from harness.campaign.cells import CampaignPlan

__all__ = ["CampaignOutcome", "CampaignResult", "CampaignSummary", "Finding", "campaign", "findings"]


class CampaignResult(msgspec.Struct, frozen=True):
    """What a campaign found."""

    summary: CampaignSummary
    """The outcome and its reasons, and by cell how many runs said what."""
    findings: tuple[Finding, ...]
    """The violations that this campaign saw, each once, what to look at first on top."""

    @property
    def outcome(self) -> CampaignOutcome:
        """`valid`, `invalid` or `unknown`; `broken` or `could not run` if the harness failed."""
        return self.summary.outcome


def campaign(
    plan: str | Path | Mapping[str, Any],
    *,
    store: str | Path = "store",
    jobs: int = 1,
    baseline: str | Path | None = None,
    quiet: bool = True,
) -> CampaignResult:
    """Run a campaign, and keep every result in its folder in the store.

    Args:
        plan: a file of docs/campaigns.md, or its keys: {"cells": [{"workload": ["registry", "cas"]}]}.
        store: the folder in which the campaign's own folder is made.
        jobs: how many processes do simulated runs. With more than one, call this under
            `if __name__ == "__main__":`, since each process imports your main module.
        baseline: the file that lists known findings; None for none.
        quiet: whether to show no progress on standard error.

    Raises:
        ValueError: the plan or the baseline cannot be read, or the plan asks for what cannot be run.
        CouldNotRun: the store cannot be written.
    """
    from harness.campaign.campaign import run_campaign  # here, since these load the simulator
    from harness.campaign.executors import usual_executors
    from harness.campaign.journal import Journal
    from harness.campaign.progress import CampaignProgress
    from harness.campaign.refusals import checked

    known = _known(baseline)
    journal = Journal.create(Path(store), checked(_plan(plan)))
    stored = run_campaign(journal, usual_executors(jobs), CampaignProgress(quiet=quiet))
    own = stored.folder.name
    found = [one for one in findings_of(_campaigns(Path(store)), known) if one.last_campaign == own]
    return CampaignResult(summary_of(stored), tuple(found))


def findings(store: str | Path = "store", *, baseline: str | Path | None = None) -> list[Finding]:
    """The violations of all campaigns of a store, each once, what to look at first on top.

    Args:
        store: the folder that holds the campaigns' folders.
        baseline: the file that lists known findings; None for none.

    Raises:
        CouldNotRun: there is no such store, or none of its campaigns can be read. If some can, a warning
            names each of the others.
        ValueError: the baseline cannot be read.
    """
    known = _known(baseline)
    if not Path(store).is_dir():
        raise CouldNotRun(f"there is no store {store}; `ackproof campaign` makes one")
    return findings_of(_campaigns(Path(store)), known)


def _campaigns(store: Path) -> list[Stored]:
    """The campaigns that can be read; a warning names each of the others."""
    problems: list[CouldNotRun] = []
    found = stored_campaigns(store, leave_out=problems.append)
    if problems and not found:
        raise problems[0]
    for problem in problems:
        warnings.warn(f"left out: {problem}", stacklevel=3)
    return found


def _known(baseline: str | Path | None) -> Mapping[str, Known]:
    return {} if baseline is None else read_baseline(Path(baseline))


def _plan(plan: str | Path | Mapping[str, Any]) -> CampaignPlan:
    """The plan of a file, or of its keys.

    Raises:
        ValueError: something in it is wrong: the key, and the nearest one that exists.
    """
    from harness.campaign.reading import plan_in, plan_of_table

    return plan_of_table(plan) if isinstance(plan, Mapping) else plan_in(Path(plan))
