"""docs/extending.md, followed to the letter: every example runs, and what the page says of it is true."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkers.check_all import check_all, worst
from checkers.run.vacuity import Vacuity
from checkers.verdict import Validity
from harness import generator as gen
from harness.client.codecs.base import HttpReply, HttpRequest, NoReply
from harness.drivers.virtual import simulate
from harness.hosts.processes import carrying
from harness.nemesis import FINAL_HEAL, compose
from harness.nemesis.action import Action
from harness.nemesis.faults.processes.lifecycle import Kill, Start
from harness.nemesis.outcome import Outcome
from harness.nemesis.view import ClusterView, NodeView
from harness.run.folder import Results, RunFolder
from history import NEMESIS, History, Operation, Recording
from reports.faults import is_fault
from reports.spans import Spans
from tests import REPOSITORY
from tests.checkers.builders import HistoryBuilder, recording
from tests.docs.page import blocks, commands, follow
from tests.harness.nemesis.views import draws, invocation, view
from tests.harness.workload.test_registry import Registry

ROOT = REPOSITORY
PAGE = blocks(ROOT / "docs" / "extending.md")
EXAMPLES = [block for block in PAGE if block.kind == "python"]
SECTIONS = ("A checker", "A fault", "A workload", "A system")
LONGEST_EXAMPLE = 60
NODES = ("n1", "n2", "n3")
MS = gen.MILLISECOND


# ---- the page itself ------------------------------------------------------------------------------------


def test_the_page_has_a_complete_example_under_sixty_lines_for_each_kind_of_part() -> None:
    assert [name for name in SECTIONS if name not in {block.section for block in EXAMPLES}] == []
    assert all(block.file for block in PAGE if block.kind != "sh"), "an example without its place"
    lines = {block.file: block.text.count("\n") for block in EXAMPLES}
    assert {file: count for file, count in lines.items() if count >= LONGEST_EXAMPLE} == {}


def test_the_examples_are_written_as_the_rest_of_the_source_is(tmp_path: Path) -> None:
    source = followed(tmp_path / "source", *SECTIONS)
    changed = {block.file for block in PAGE if block.kind != "sh"}
    ruff = Path(sys.executable).with_name("ruff")
    for check in (["check"], ["format", "--check"]):
        done = subprocess.run(
            [ruff, *check, "--no-cache", *sorted(changed)], cwd=source, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout


# ---- the examples by themselves -------------------------------------------------------------------------


Load = Callable[[str], ModuleType]


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Load]:
    """Imports an example under the name that it would have in its place."""
    folder = tmp_path_factory.mktemp("examples")
    texts = {block.file: block.text for block in EXAMPLES}
    imported: list[str] = []

    def load(file: str) -> ModuleType:
        name = file.removesuffix(".py").replace("/", ".")
        if name not in sys.modules:
            path = folder / f"{name}.py"
            path.write_text(texts[file], encoding="utf-8")
            spec = importlib.util.spec_from_file_location(name, path)
            assert spec is not None
            assert spec.loader is not None
            sys.modules[name] = module = importlib.util.module_from_spec(spec)
            imported.append(name)
            spec.loader.exec_module(module)
        return sys.modules[name]

    yield load
    for name in imported:
        del sys.modules[name]


def lookups(*took_ms: int) -> HistoryBuilder:
    """A lookup for each latency, one after the other; the builder itself lets a millisecond pass."""
    built = HistoryBuilder()
    for process, milliseconds in enumerate(took_ms):
        built.invoke(process, "lookup", "a", node="n2")
        built.wait(milliseconds - 1)
        built.ok(process, "r1")
    return built


def test_the_checker_accepts_fast_lookups_and_rejects_slow_ones_with_the_slowest_first(example: Load) -> None:
    checker = example("checkers/lookup_latency.py").LookupLatency(bound_ms=100)
    assert checker.check(recording(lookups(1, 100))).validity is Validity.VALID
    verdict = checker.check(recording(lookups(5, 101, 300)))
    assert verdict.validity is Validity.INVALID
    assert [item.operations for item in verdict.evidence] == [(4, 5), (2, 3)]
    assert "Operation 5 is n2's answer to operation 4, 300 ms later" in verdict.evidence[0].text
    assert verdict.measures == {"answered": 3, "slow": 2, "slowest_ms": 300.0}


def test_the_checker_cannot_tell_without_lookups_or_where_the_harness_itself_was_late(example: Load) -> None:
    checker = example("checkers/lookup_latency.py").LookupLatency(bound_ms=100)
    unanswered = HistoryBuilder()
    unanswered.do("lookup", "a", type_="fail")
    unanswered.do("register", "a", "r1", "r1")
    verdict = checker.check(recording(unanswered))
    assert (verdict.validity, verdict.evidence[0].title) == (Validity.UNKNOWN, "not judged")
    for lag_ms, validity in ((200, Validity.UNKNOWN), (150, Validity.INVALID)):
        late = recording(lookups(300), harness_lag=((0, 0), (7, lag_ms * MS)))
        assert checker.check(late).validity is validity


class FakeWorld:
    """Three nodes that die and start at once. Remembers the fewest that ran at any time."""

    def __init__(self) -> None:
        self.running = set(NODES)
        self.fewest = len(NODES)
        self.killed: list[str] = []

    async def observe(self) -> ClusterView:
        return ClusterView({name: NodeView(running=name in self.running) for name in NODES})

    async def carry_out(self, action: Action) -> Outcome:
        before = set(self.running)
        match action:
            case Kill(nodes):
                self.killed += nodes
                self.running -= set(nodes)
            case Start(nodes):
                self.running |= set(nodes)
            case _:
                pass
        self.fewest = min(self.fewest, len(self.running))
        return Outcome(took_effect=self.running != before)


def test_the_fault_restarts_every_node_and_never_takes_two_at_once(example: Load) -> None:
    nemesis = compose([example("harness/nemesis/faults/processes/rolling_restart.py").ROLLING_RESTART])
    world = FakeWorld()
    done = asyncio.run(nemesis.perform(invocation("rolling-restart", "all"), world, seed=1))
    assert (done.type, done.error) == ("info", None)
    assert [action["kind"] for action in done.value["actions"]] == ["Kill", "Start"] * 3
    assert all(action["took_effect"] for action in done.value["actions"])
    assert sorted(world.killed) == sorted(NODES)
    assert (world.fewest, world.running) == (2, set(NODES))
    world.running.clear()
    asyncio.run(nemesis.perform(invocation("heal-rolling-restart"), world, seed=1))
    assert world.running == set(NODES)


@given(draw=draws, down=st.sets(st.sampled_from(["n1", "n2", "n3", "n4", "n5"])))
def test_the_fault_leaves_nodes_that_are_down_alone_and_follows_from_its_draw(
    example: Load, draw: int, down: set[str]
) -> None:
    planner = example("harness/nemesis/faults/processes/rolling_restart.py").RollingRestartPlanner()
    plan = planner.plan(invocation("rolling-restart", "all"), view(5, down=tuple(down)), draw)
    assert sorted(action.nodes[0] for action in plan[::2]) == sorted(set(view(5).nodes) - down)
    for kill, start in zip(plan[::2], plan[1::2], strict=True):
        assert (kill, start) == (Kill(kill.nodes), Start(kill.nodes))
    assert plan == planner.plan(invocation("rolling-restart", "all"), view(5, down=tuple(down)), draw)


def test_the_fault_is_scheduled_as_any_other_its_favourite_target_first(example: Load) -> None:
    package = example("harness/nemesis/faults/processes/rolling_restart.py").ROLLING_RESTART
    schedule = gen.time_limit(60 * gen.SECOND, gen.nemesis(compose([package]).generator))
    begun = [op for op in simulate(schedule) if op.type == "invoke"]
    assert len(begun) > 20
    assert {op.process for op in begun} == {NEMESIS}
    assert begun[0].value == {"target": "all"}
    assert {op.value["target"] for op in begun[::2]} == set(package.targets)
    assert {(a.f, b.f) for a, b in pairwise(begun)} == {package.operations, package.operations[::-1]}


def test_the_faults_names_tell_checkers_and_reports_what_breaks_and_what_mends(example: Load) -> None:
    package = example("harness/nemesis/faults/processes/rolling_restart.py").ROLLING_RESTART
    built = HistoryBuilder()
    for name in (package.begin, package.end):
        built.nemesis(name, {"actions": [{"kind": "Kill", "nodes": ["n1"], "took_effect": False}]})
    run = recording(built, options={"nemesis": [package.name], "minimum_acknowledged": 0})
    verdict = Vacuity().check(run)
    assert verdict.validity is Validity.UNKNOWN
    assert "rolling-restart was asked for, and none of its 1 operations took effect" in verdict.summary
    assert [is_fault(span) for span in Spans.of(run.history).nemesis()] == [True, False]


def run_in_virtual_time(work: Any, perform: Callable[[Operation, int], tuple[Operation, int]]) -> Recording:
    """Three seconds of work, a heal and the final phase, against a registry that is a function."""

    def answer(op: Operation, now: int) -> tuple[Operation, int]:
        return (msgspec.structs.replace(op, type="info"), MS) if op.f == FINAL_HEAL else perform(op, now)

    main = gen.time_limit(3 * gen.SECOND, gen.clients(gen.stagger(3 * MS, work.generator)))
    test = gen.phases(main, gen.nemesis({"f": FINAL_HEAL}), work.final)
    history = simulate(test, threads=6, nodes=NODES, seed=1, perform=answer)
    return recording(history, nodes=NODES)


def test_the_workload_finds_nothing_wrong_with_a_perfect_registry(example: Load) -> None:
    work = example("harness/workload/hot_instance.py").hot_instance(NODES, 6)
    run = run_in_virtual_time(work, Registry().perform)
    assert {v.checker: v.validity for v in check_all(work.checkers, run) if v.validity != "valid"} == {}
    ids = [op.value for op in run.history if op.f == "register" and op.type == "invoke"]
    assert len(ids) == len(set(ids)) > 300
    assert {op.key for op in run.history if op.is_client} == {"hot/10.0.0.1:8080"}
    last = final_phase(run.history)
    assert [op.f for op in last] == ["register", *["lookup"] * 6], "a write, then a read by every client"
    assert {op.node for op in last[1:]} == set(NODES)


def test_the_workload_refutes_a_registry_in_which_one_node_answers_from_its_past(example: Load) -> None:
    work = example("harness/workload/hot_instance.py").hot_instance(NODES, 6)
    registry, past = Registry(), Registry()

    def perform(op: Operation, now: int) -> tuple[Operation, int]:
        if now < gen.SECOND:
            past.perform(op, now)
        stale = op.node == "n3" and op.f == "lookup" and now >= gen.SECOND
        return (past if stale else registry).perform(op, now)

    verdicts = {v.checker: v for v in check_all(work.checkers, run_in_virtual_time(work, perform))}
    assert verdicts["linearizability"].validity is Validity.INVALID
    assert verdicts["linearizability"].evidence[0].operations
    assert worst(verdicts.values()) is Validity.INVALID


def test_the_workload_ends_although_no_node_ever_answers(example: Load) -> None:
    work = example("harness/workload/hot_instance.py").hot_instance(NODES, 6)
    run = run_in_virtual_time(work, Registry(dead=frozenset(NODES)).perform)
    assert worst(check_all(work.checkers, run)) is not Validity.VALID


def final_phase(history: History) -> list[Operation]:
    """What clients began after the final heal."""
    heal = next(op for op in history if op.f == FINAL_HEAL)
    return [op for op in history if op.index > heal.index and op.type == "invoke" and op.is_client]


def test_the_codec_says_fail_only_of_what_certainly_did_not_happen(example: Load) -> None:
    codec = example("harness/client/pocket.py").PocketCodec()
    begin = partial(Operation, 7, 0, 1, "invoke", key="hot/10.0.0.1:80")
    register, deregister, lookup = begin(f="register", value="r7"), begin(f="deregister"), begin(f="lookup")
    assert codec.encode(register) == HttpRequest("PUT", "/hot/10.0.0.1:80", body=b"r7")
    assert (codec.encode(deregister).method, codec.encode(lookup).method) == ("DELETE", "GET")
    with pytest.raises(ValueError, match="no operation 'list'"):
        codec.encode(begin(f="list"))

    def ended(operation: Operation, reply: HttpReply | NoReply) -> tuple[str, Any]:
        done = codec.decode(operation, reply)
        return done.type, done.value

    assert ended(register, HttpReply(200, {}, b"")) == ("ok", "r7")
    assert ended(deregister, HttpReply(200, {}, b"r3")) == ("ok", "r3")
    assert ended(lookup, HttpReply(200, {}, b"")) == ("ok", None)
    for write in (register, deregister):
        assert ended(write, NoReply("timed out", sent=True)) == ("info", None)
        assert ended(write, HttpReply(500, {}, b"")) == ("info", None)
        assert ended(write, NoReply("connection refused", sent=False)) == ("fail", None)
    assert ended(lookup, NoReply("timed out", sent=True)) == ("fail", None)
    assert ended(lookup, HttpReply(500, {}, b"")) == ("fail", None)


# ---- the examples in their places -----------------------------------------------------------------------


def followed(source: Path, *sections: str) -> Path:
    """A copy of the source in which these sections' files are written and listed."""
    for part in ("checkers", "harness", "node_impl", "reports"):
        shutil.copytree(ROOT / part, source / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", source)
    for block in PAGE:
        if block.section in sections and block.kind != "sh":
            follow(block, source)
    return source


def python_in(source: Path, *arguments: str, timeout_s: float = 60) -> subprocess.CompletedProcess[str]:
    """Run Python with that source before any that is installed."""
    environment = {**os.environ, "PYTHONPATH": str(source), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=source,
        env=environment,
        capture_output=True,
        text=True,
        timeout=timeout_s,
    )


def command_of(section: str) -> tuple[list[str], int]:
    """The one command that a section shows, and the exit status it claims."""
    ((command, status),) = [
        found
        for block in PAGE
        if block.section == section and block.kind == "sh"
        for found in commands(block)
    ]
    return command, status


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A state folder of the test's own; whatever was started with it must have ended."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    yield tmp_path / "state"
    assert carrying("XDG_STATE_HOME", str(tmp_path / "state")) == [], "processes were left behind"


def run_command(source: Path, command: list[str], status: int) -> RunFolder:
    """Run an `ackproof` command with that source; its run's folder."""
    assert command[:2] == ["ackproof", "run"]
    done = python_in(source, "-m", "ackproof", *command[1:], "--seed", "5")
    assert done.returncode == status, done.stdout + done.stderr
    return RunFolder(source / "store" / "latest")


def results_of(folder: RunFolder) -> Results:
    return msgspec.json.decode(folder.results_json.read_bytes(), type=Results)


def test_what_is_listed_is_known_by_name_and_the_checker_judges_every_registry_run(tmp_path: Path) -> None:
    source = followed(tmp_path, "A checker", "A fault", "A workload")
    asked = (
        "from checkers.registry.suite import registry_checkers; from harness.nemesis import nemesis_of; "
        "from harness.cluster.kinds import LOCAL; "
        "from harness.workload import workload; faults = nemesis_of(['rolling-restart:one'], LOCAL).faults; "
        "print([c.name for c in registry_checkers()][:4], faults[0].targets, "
        "workload('hot-instance', ['n1'], 1).name)"
    )
    done = python_in(source, "-c", asked)
    assert done.stdout.split("\n")[0] == (
        "['durability', 'linearizability', 'index-honesty', 'lookup-latency'] ('one',) hot-instance"
    ), done.stderr


def test_the_reference_node_holds_in_the_new_workload_under_the_new_fault(
    tmp_path: Path, state: Path
) -> None:
    source = followed(tmp_path / "source", "A checker", "A fault", "A workload")
    folder = run_command(source, *command_of("A workload"))
    results = results_of(folder)
    assert [verdict.checker for verdict in results.verdicts if verdict.validity != "valid"] == []
    vacuity = next(verdict for verdict in results.verdicts if verdict.checker == "vacuity")
    assert "rolling-restart took effect" in vacuity.summary
    restarted = [life for life in folder.recording().lives if life.life == 2]
    assert sorted(life.node for life in restarted) == sorted(NODES)
    assert "rolling-restart" in folder.report_html.read_text(encoding="utf-8")


def test_the_new_system_is_started_broken_and_refuted_by_the_lookup_that_shows_it(
    tmp_path: Path, state: Path
) -> None:
    source = followed(tmp_path / "source", *SECTIONS)
    folder = run_command(source, *command_of("A system"))
    verdicts = {verdict.checker: verdict for verdict in results_of(folder).verdicts}
    assert {name for name, verdict in verdicts.items() if verdict.validity == "invalid"} == {
        "linearizability"
    }
    run = folder.recording()
    assert {(life.node, life.life) for life in run.lives} == {
        (node, life) for node in NODES for life in (1, 2)
    }
    shown = [run.history[index] for index in verdicts["linearizability"].evidence[0].operations]
    assert len({op.node for op in shown}) > 1, "it takes two nodes to show it"
