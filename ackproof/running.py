"""Running a test from Python: what `ackproof.run` and `ackproof.simulate` do."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from checkers.verdict import Checker, Validity, Verdict
from harness.errors import CouldNotRun, unknown_name
from harness.run import runner
from harness.run.folder import RunFolder
from harness.run.judging import judge
from harness.run.parts import with_system_bounds
from harness.run.test import Test, with_chosen_faults
from history import Recording

__all__ = ["CouldNotRun", "JudgedRun", "Test", "run", "simulate"]


class JudgedRun(msgspec.Struct, frozen=True):
    """A run and the verdicts on it."""

    validity: Validity
    """The one verdict on the run: valid only if every checker that it requires looked at something, and none
    found a violation (docs/checkers.md)."""
    verdicts: tuple[Verdict, ...]
    recording: Recording
    """Everything that the run recorded: the history, the traces of the nodes, how their processes ended."""
    folder: Path | None = None
    """Where the run is stored, with its report.html; None where it was not stored."""

    problem: str | None = None
    """Why the clients' work ended early: the generator of the workload raised an error, say. A run with a
    problem is never valid."""

    @property
    def violations(self) -> tuple[Verdict, ...]:
        """The verdicts of the checkers that found a violation; the evidence of each shows it."""
        return tuple(verdict for verdict in self.verdicts if verdict.validity is Validity.INVALID)


def run(
    test: Test, *, store: str | Path = "store", quiet: bool = True, checkers: Sequence[Checker] = ()
) -> JudgedRun:
    """Run a test against real processes, and judge it.

    Args:
        test: what to run; `Test(nodes=("n1", "n2", "n3"))` is a run of 30 s with kills and partitions.
        store: the folder in which the run's own folder is made.
        quiet: whether to show no progress on standard error.
        checkers: checkers of your own, which the run requires in addition to those of its workload.

    Raises:
        CouldNotRun: the test could not be run; the message says what to do. No process is left running.
        ValueError: the test names a workload, a fault or a system that does not exist.
    """
    folder = runner.run(
        with_system_bounds(with_chosen_faults(test)), Path(store), command=sys.argv, quiet=quiet
    )
    return _judged(folder, checkers)


def simulate(
    seed: int,
    *,
    nodes: int | None = None,
    workload: str = "registry",
    nemesis: Sequence[str] | None = None,
    mutant: str | None = None,
    time_limit_s: int | None = None,
    store: str | Path | None = None,
    checkers: Sequence[Checker] = (),
) -> JudgedRun:
    """Run a test of the reference node in virtual time, and judge it. The same seed gives the same run.

    Args:
        seed: decides everything that the other arguments leave open.
        nodes: how many nodes.
        workload: what the clients do.
        nemesis: the names of the faults; empty for none.
        mutant: the seeded bug that the nodes have.
        time_limit_s: simulated seconds of work and faults.
        store: the folder in which the run's own folder is made, with a report; None to store nothing.
        checkers: checkers of your own, which the run requires in addition to those of its workload.

    Raises:
        ValueError: there is no such workload, fault or mutant, or a number is not positive.
        CouldNotRun: the store cannot be written.
    """
    from harness.mutants.catalogue import MUTANTS  # here, since these load the simulator and the node
    from harness.sim.judging import results_of
    from harness.sim.plan.plan import SeedOptions
    from harness.sim.plan.swarm import plan_of
    from harness.sim.run import run as run_plan

    for what, number in (("nodes", nodes), ("time_limit_s", time_limit_s)):
        if number is not None and number <= 0:
            raise ValueError(f"{what} is {number}; it may be 1 or more")
    if mutant is not None and mutant not in MUTANTS:
        raise ValueError(unknown_name("mutant", mutant, MUTANTS))
    chosen = None if nemesis is None else tuple(nemesis)
    plan = plan_of(
        seed,
        SeedOptions(nodes=nodes, workload=workload, nemesis=chosen, mutant=mutant, time_limit_s=time_limit_s),
    )
    ran = run_plan(plan)
    if store is not None:
        return _with_problem(_judged(ran.write(Path(store), sys.argv), checkers), ran.problem)
    with TemporaryDirectory() as logs:
        found = results_of(ran, Path(logs), checkers)
    return _with_problem(JudgedRun(found.validity, found.verdicts, ran.recording()), ran.problem)


def _judged(folder: RunFolder, checkers: Sequence[Checker]) -> JudgedRun:
    results = judge(folder, more=checkers)
    return JudgedRun(results.validity, results.verdicts, folder.recording(), folder.path)


def _with_problem(run: JudgedRun, problem: str | None) -> JudgedRun:
    """The run with what ended its work early, if anything did."""
    if problem is None:
        return run
    validity = Validity.worst((run.validity, Validity.UNKNOWN))
    return msgspec.structs.replace(run, validity=validity, problem=problem)
