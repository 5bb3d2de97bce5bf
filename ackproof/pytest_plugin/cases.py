"""The test cases of the marks `ackproof` and `ackproof_sim`: made before the body, and judged."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from ackproof.pytest_plugin import SEED, calling, evidence, marks, ports
from ackproof.pytest_plugin.errors import NotJudged, unknown_name
from ackproof.pytest_plugin.records import record_of
from ackproof.pytest_plugin.simulated import Simulated, simulate_seeds

EXAMPLE = 'ackproof(nodes=3, nemesis="kill", seeds=5)'
MOST_TRIES = 5
LAST_LINES = 10
"""Of what `ackproof run` said before it gave up."""
JUDGED = (0, 1, 2)
"""The exit codes of `ackproof run` after which there is a verdict (docs/ci.md)."""
WRONG_USE = 254
"""Its exit code for options that are wrong."""


class Run:
    """One run and the verdicts on it."""

    def __init__(self, seed: int, command: str, folder: Path, judged: Mapping[str, Any]) -> None:
        self.seed = seed
        self.command = command
        """The line to paste that runs the same again, in the project's root."""
        self.folder = folder
        """Holds the history, each node's log and trace, and the report."""
        self._judged = judged
        self._was_looked_at = False

    @property
    def validity(self) -> str:
        """`valid`, `invalid` or `unknown`: the one verdict on the run."""
        self._was_looked_at = True
        return str(self._judged["validity"])

    @property
    def is_valid(self) -> bool:
        """Whether the run is valid: each checker that it requires looked at something and found nothing."""
        return self.validity == "valid"

    @property
    def verdicts(self) -> Sequence[evidence.Verdict]:
        """What each checker said, as docs/checkers.md describes it."""
        self._was_looked_at = True
        found: Sequence[evidence.Verdict] = self._judged["verdicts"]
        return found

    def verdict(self, checker: str) -> evidence.Verdict:
        """What one checker said.

        Raises:
            KeyError: the run has no such checker.
        """
        for verdict in self.verdicts:
            if verdict["checker"] == checker:
                return verdict
        raise KeyError(unknown_name("checker", checker, [one["checker"] for one in self.verdicts]))

    @property
    def operations(self) -> list[dict[str, Any]]:
        """The history: each invocation and each completion, in order, as docs/checkers.md describes them."""
        return [json.loads(line) for line in (self.folder / "history.jsonl").read_bytes().splitlines()]

    @property
    def report(self) -> Path:
        """The page that shows what happened."""
        return self.folder / "report.html"

    def assert_valid(self) -> None:
        """Fail the test, with the evidence, unless the run is valid."""
        __tracebackhide__ = True
        if not self.is_valid:
            raise AssertionError(self.explained())

    def require_a_look(self) -> None:
        """Fail the test if its body did not look at a verdict that is not valid."""
        if not self._was_looked_at and not self.is_valid:
            raise pytest.fail.Exception(self.explained(), pytrace=False)

    def explained(self) -> str:
        """The verdict, what shows it, the seed, the line to paste and the report."""
        return "\n".join(
            [
                f"{self._judged['validity']}: seed {self.seed}",
                *evidence.lines_of(self._judged["decisive"]),
                f"  run it again  {self.command}",
                f"  report        {self.report}",
            ]
        )

    def reports(self) -> list[Path]:
        """The page of the run."""
        return [self.report]

    def __repr__(self) -> str:
        return f"<Run {self._judged['validity']}, seed {self.seed}>"


def seeds_of(mark: pytest.Mark) -> list[int]:
    """The seeds of a mark `ackproof`, each a test case.

    Raises:
        pytest.UsageError: the mark is wrong.
    """
    return marks.seeds_of(mark, _options(mark))


_CASE = pytest.StashKey[Run | Simulated]()


def performed(item: pytest.Item) -> Run | Simulated:
    """The run of a marked test, or its seeds; they are run at the first call.

    Raises:
        NotJudged: it could not be run.
    """
    found = item.stash.get(_CASE, None)
    if found is not None:
        return found
    record = record_of(item)
    mark, many = item.get_closest_marker("ackproof"), item.get_closest_marker("ackproof_sim")
    if mark is not None and many is not None:
        raise pytest.UsageError("a test has either the mark ackproof or ackproof.sim_test, not both")
    case: Run | Simulated
    if mark is not None:
        case = _run(item, mark, record.made())
    else:
        assert many is not None
        case = simulate_seeds(many, record.made(), item.config.rootpath)
    record.shown.append(case)
    item.stash[_CASE] = case
    return case


def forget(item: pytest.Item) -> None:
    """Let a test be run again, where a plugin repeats it."""
    if _CASE in item.stash:
        del item.stash[_CASE]


def run_of(item: pytest.Item) -> Run:
    """The run of a test with the mark `ackproof`.

    Raises:
        pytest.UsageError: the test has no such mark.
    """
    if item.get_closest_marker("ackproof") is None:
        raise pytest.UsageError(f"the fixture `run` needs a mark, such as @pytest.mark.{EXAMPLE}")
    case = performed(item)
    assert isinstance(case, Run)
    return case


def simulated_of(item: pytest.Item) -> Simulated:
    """What the seeds of a test with `ackproof.sim_test` showed.

    Raises:
        pytest.UsageError: the test has no such decorator.
    """
    if item.get_closest_marker("ackproof_sim") is None:
        raise pytest.UsageError("the fixture `sim` needs a decorator, such as @ackproof.sim_test(seeds=200)")
    case = performed(item)
    assert isinstance(case, Simulated)
    return case


def _options(mark: pytest.Mark) -> dict[str, Any]:
    options = marks.options_of(mark, ("seeds", *marks.OF_RUNS), EXAMPLE)
    if options.get("world") == marks.SIM:
        real = sorted(set(options) - {"seeds", "world", *marks.IN_BOTH})
        if real:
            raise pytest.UsageError(f"mark ackproof: {', '.join(real)} is not for world={marks.SIM!r}")
    return options


def _run(item: pytest.Item, mark: pytest.Mark, store: Path) -> Run:
    options = _options(mark)
    options.pop("seeds", None)
    case = getattr(item, "callspec", None)
    if case is None:
        raise pytest.UsageError(
            "the mark ackproof is for test functions, not for methods of unittest.TestCase"
        )
    seed = int(case.params[SEED])
    root = item.config.rootpath
    if options.get("world") == marks.SIM:
        del options["world"]
        words = list(marks.arguments(options, marks.IN_BOTH))
        again = marks.line("sim", words, seed)
        plan = plan_options(options)
        judged = calling.ask("simulate", root, seed=seed, options=plan, store=str(store), command=again)
        return Run(seed, again, Path(judged["folder"]), judged)
    words = list(marks.arguments(options, marks.OF_RUNS))
    done = _finished(["run", *words, "--seed", str(seed), "--store", str(store)], root)
    again = marks.line("run", words, seed)
    if done.returncode not in JUDGED:
        raise NotJudged(_why_not(done, again))
    folder = (store / "latest").resolve()
    return Run(seed, again, folder, calling.ask("results", root, folder=str(folder)))


def _why_not(done: subprocess.CompletedProcess[str], again: str) -> str:
    """Why a command judged nothing, in its own last lines; with the line that runs it again, unless what the
    mark asks for is wrong."""
    lines = [line.removeprefix("ackproof: ") for line in done.stderr.strip().splitlines()[-LAST_LINES:]]
    if done.returncode == WRONG_USE:
        return "\n".join(line for line in lines if not line.startswith("See "))
    return "\n".join([*(lines or [f"status {done.returncode}"]), f"  run it again  {again}"])


def _finished(arguments: list[str], root: Path) -> subprocess.CompletedProcess[str]:
    """Run a command, again with other ports where a worker's ports were taken."""
    for _ in range(MOST_TRIES):
        base_port = ports.own_base_port()
        done = calling.finished(
            arguments if base_port is None else [*arguments, f"--base-port={base_port}"], root
        )
        if not ports.is_taken(done.stderr):
            break
    return done


def plan_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options of simulated seeds as the companion takes them."""
    given = dict(options)
    if "nemesis" in given:
        given["nemesis"] = marks.fault_list(given["nemesis"])
    return given
