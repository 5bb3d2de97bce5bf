"""The commit that brought in a finding: bisection, each commit judged by a sequential test of its runs.

One run that shows the finding makes a commit bad; enough valid runs without it make it good, as for FIXED
(again/trying.py). A commit that can be judged by neither within its limits is skipped, as is one that cannot
be built or run. Bad is never wrong, as a run showed it. Good is wrong with at most `1 - confidence`, if the
finding comes as often with every commit that has it; so the answer is wrong with at most that, times the
number of commits called good.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec

from harness.campaign.again.target import Target
from harness.campaign.again.trying import Limits, Tried, tried
from harness.campaign.bisect.commits import Commit, Repository
from harness.campaign.bisect.running import WorktreeRuns, build, cell_in, place_of
from harness.campaign.bisect.search import Judgement, first_bad
from harness.errors import CouldNotRun

BisectOutcome = Literal["found", "range", "cannot tell"]


class TriedCommit(msgspec.Struct, frozen=True):
    """One commit that was tried."""

    commit: Commit
    judgement: Judgement
    why: str


class Bisected(msgspec.Struct, frozen=True):
    """What a bisection found."""

    outcome: BisectOutcome
    why: str
    fingerprint: str
    checker: str
    kind: str
    left: tuple[Commit, ...]
    """The commits of which one brought it in; one if it was found, none if that cannot be said."""
    tried: tuple[TriedCommit, ...]
    """In the order in which they were tried."""
    commits: int
    """How many commits come after the good one, up to the bad one."""
    error: float
    """How likely it is, at most, that the answer is wrong."""


TryCommit = Callable[[Commit], Tried]
"""Runs a commit; raises CouldNotRun if it cannot be run."""


def bisected(
    target: Target,
    repository: Repository,
    good: Commit,
    bad: Commit,
    try_commit: TryCommit,
    limits: Limits,
    tell: Callable[[TriedCommit, float], object] = lambda _one, _share: None,
) -> Bisected:
    """Search the commits after `good`, up to `bad`, for the one that brought in a finding.

    Args:
        tell: is given each commit as it was judged, and about which share of all tries that makes: the two
            ends, and one for each halving of the commits between them.

    Raises:
        CouldNotRun: `good` does not come before `bad`.
    """
    commits = repository.between(good, bad)
    done: list[TriedCommit] = []
    expected = 2 + (len(commits) - 1).bit_length()

    def judge(commit: Commit) -> Judgement:
        one = _judged(commit, try_commit)
        done.append(one)
        tell(one, min(len(done) / expected, 1.0))
        return one.judgement

    def result(outcome: BisectOutcome, why: str, left: tuple[Commit, ...] = ()) -> Bisected:
        times = sum(one.judgement == "good" for one in done)
        violation = target.violation
        return Bisected(
            outcome,
            why,
            target.fingerprint,
            violation.checker,
            violation.kind,
            left,
            tuple(done),
            len(commits),
            min(1.0, round(times * (1 - limits.confidence), 6)),
        )

    if judge(bad) != "bad":
        return result("cannot tell", f"the bad commit {bad.short} does not show it: {done[-1].why}")
    if judge(good) != "good":
        known = "shows it, too; give an older one" if done[-1].judgement == "bad" else done[-1].why
        return result("cannot tell", f"the good commit {good.short}: {known}")
    places = first_bad(len(commits), lambda place: judge(commits[place]))
    left = tuple(commits[place] for place in places)
    if len(left) == 1:
        return result("found", f"{left[0].short} brought it in", left)
    why = f"one of {len(left)} commits brought it in: all but the last of them were skipped"
    return result("range", why, left)


def _judged(commit: Commit, try_commit: TryCommit) -> TriedCommit:
    try:
        found = try_commit(commit)
    except CouldNotRun as error:
        return TriedCommit(commit, "skipped", str(error))
    if found.answer == "shown":
        return TriedCommit(commit, "bad", f"seed {found.seed} shows it")
    if found.answer == "gone":
        return TriedCommit(commit, "good", f"{found.missed} valid runs do not show it")
    nothing = f"; others proved nothing ({found.why_nothing})" if found.why_nothing else ""
    why = f"{found.missed} valid runs do not show it, and {found.needed} are needed{nothing}"
    return TriedCommit(commit, "skipped", why)


class CommitRuns:
    """Tries commits: checks each out, builds it, and has its runs done."""

    def __init__(
        self, target: Target, repository: Repository, limits: Limits, jobs: int, build_command: str | None
    ) -> None:
        self._target = msgspec.structs.replace(target, cell=cell_in(target.cell, repository))
        self._repository = repository
        self._limits = limits
        self._jobs = jobs if target.is_simulated else 1
        self._build_command = build_command

    def __call__(self, commit: Commit) -> Tried:
        """Run a commit until its runs decide.

        Raises:
            CouldNotRun: it cannot be checked out, built or run.
        """
        with self._repository.worktree(commit) as tree:
            place = place_of(tree, self._repository.inside, self._target.cell)
            if self._build_command is not None:
                build(place, self._build_command)
            runs = WorktreeRuns(place, tree.parent / "runs", self._jobs)
            try:
                return tried(self._target, runs, self._limits)
            finally:
                runs.close()
