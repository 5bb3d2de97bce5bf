"""docs/extending.md, followed to the letter: every example runs, and every row of the table holds."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkers.check_all import Results, check_all, results
from checkers.linearizability.by_model import LinearizabilityOf
from checkers.run.vacuity import Vacuity
from checkers.verdict import Unjudged, Validity
from harness import generator as gen
from harness.client.codecs.base import HttpReply, HttpRequest, NoReply
from harness.drivers.virtual import simulate
from harness.hosts.processes import carrying
from harness.mutants.mutant import CLIENT_CHECKERS
from harness.nemesis import FINAL_HEAL, compose
from harness.nemesis.action import Action, inject
from harness.nemesis.mechanisms.processes import PROCESSES
from harness.nemesis.mechanisms.world import DONE, Mechanism, NodeResult
from harness.nemesis.outcome import Outcome
from harness.nemesis.view import ClusterView, NodeView
from harness.run.folder import RunFolder
from history import NEMESIS, History, HistoryWriter, Operation, Recording
from history.units import MILLISECOND_NS, SECOND_NS
from reports.faults import is_fault
from reports.spans import Spans
from tests import REPOSITORY
from tests.checkers.builders import HistoryBuilder, recording
from tests.deciding import decided
from tests.docs.page import blocks, commands, follow
from tests.harness.nemesis.views import draws, invocation, view
from tests.harness.workload.test_registry import Registry

pytestmark = pytest.mark.timeout(400)
"""A run that proves little is followed by another one (tests/deciding.py)."""

ROOT = REPOSITORY
PAGE = blocks(ROOT / "docs" / "extending.md")
EXAMPLES = [block for block in PAGE if block.kind == "python"]
SECTIONS = ("A system", "A workload", "A fault", "A checker", "A model", "A mutant")
OWN_FILES = ("pocket_server.py", "pocket.py")
"""The files of the reader's own project; all others are in Ackproof's source."""
LONGEST_EXAMPLE = 60
NODES = ("n1", "n2", "n3")
MS = MILLISECOND_NS


# ---- the page itself ------------------------------------------------------------------------------------


def test_the_page_has_a_complete_example_under_sixty_lines_for_each_kind_of_part() -> None:
    assert [name for name in SECTIONS if name not in {block.section for block in EXAMPLES}] == []
    assert all(block.file for block in PAGE if block.kind != "sh"), "an example without its place"
    lines = {block.file: block.text.count("\n") for block in EXAMPLES}
    assert {file: count for file, count in lines.items() if count >= LONGEST_EXAMPLE} == {}


def test_the_examples_are_written_as_the_rest_of_the_source_is(tmp_path: Path) -> None:
    source = followed(tmp_path / "source", *SECTIONS)
    for block in EXAMPLES:
        if block.file in OWN_FILES:
            follow(block, source)
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
    checker = example("checkers/run/lookup_latency.py").LookupLatency(bound_ms=100)
    assert checker.check(recording(lookups(1, 100))).validity is Validity.VALID
    verdict = checker.check(recording(lookups(5, 101, 300)))
    assert verdict.validity is Validity.INVALID
    assert [item.operations for item in verdict.evidence] == [(4, 5), (2, 3)]
    assert "Operation 5 is n2's answer to operation 4, 300 ms later" in verdict.evidence[0].text
    assert verdict.measures == {"answered": 3, "slow": 2, "slowest_ms": 300.0}


def test_the_checker_cannot_tell_without_lookups_or_where_the_harness_did_not_run(example: Load) -> None:
    checker = example("checkers/run/lookup_latency.py").LookupLatency(bound_ms=100)
    unanswered = HistoryBuilder()
    unanswered.do("lookup", "a", type_="fail")
    unanswered.do("register", "a", "r1", "r1")
    assert checker.check(recording(unanswered)).mark is Unjudged.NOT_EXERCISED
    for stalled_ms, validity in ((250, Validity.UNKNOWN), (110, Validity.INVALID)):
        lag = ((30 * MS, 0), ((30 + stalled_ms) * MS, stalled_ms * MS))
        assert checker.check(recording(lookups(300), harness_lag=lag)).validity is validity


class FakeProcesses:
    """The processes of three nodes, which die and start at once. Remembers the fewest that ever ran."""

    def __init__(self) -> None:
        self.running = set(NODES)
        self.fewest = len(NODES)
        self.killed: list[str] = []

    async def kill(self, node: str, by: str) -> NodeResult:
        assert by == "rolling-restart"
        self.killed.append(node)
        self.running.discard(node)
        self.fewest = min(self.fewest, len(self.running))
        return DONE

    async def start(self, node: str) -> NodeResult:
        if node in self.running:
            return None
        self.running.add(node)
        return DONE


class FakeWorld:
    """A world that has such processes and nothing else."""

    names = NODES

    def __init__(self) -> None:
        self.processes = FakeProcesses()

    async def observe(self) -> ClusterView:
        return ClusterView({name: NodeView(running=name in self.processes.running) for name in NODES})

    async def carry_out(self, action: Action) -> Outcome:
        return await inject(action, self)

    def mechanism(self, mechanism: Mechanism[Any]) -> Any:
        assert mechanism is PROCESSES
        return self.processes

    def has(self, mechanism: Mechanism[Any]) -> bool:
        return mechanism is PROCESSES

    async def on_each(self, nodes: Sequence[str], act: Callable[[str], Awaitable[NodeResult]]) -> Outcome:
        changed = [node for node in nodes if await act(node) == DONE]
        return Outcome(took_effect=bool(changed), details={"changed": changed})

    def now_s(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        del seconds


FAULT = "harness/nemesis/faults/processes/rolling_restart.py"


def test_the_fault_restarts_every_node_and_never_takes_two_at_once(example: Load) -> None:
    nemesis = compose([example(FAULT).ROLLING_RESTART])
    world = FakeWorld()
    processes = world.processes
    done = asyncio.run(nemesis.perform(invocation("rolling-restart", "all"), world, seed=1))
    assert (done.type, done.error) == ("info", None)
    assert [action["kind"] for action in done.value["actions"]] == ["Restart"] * 3
    assert all(action["took_effect"] for action in done.value["actions"])
    assert sorted(processes.killed) == sorted(NODES)
    assert (processes.fewest, processes.running) == (2, set(NODES))
    processes.running.clear()
    asyncio.run(nemesis.perform(invocation("heal-rolling-restart"), world, seed=1))
    assert processes.running == set(NODES)


@given(draw=draws, down=st.sets(st.sampled_from(["n1", "n2", "n3", "n4", "n5"])))
def test_the_fault_leaves_nodes_that_are_down_alone_and_follows_from_its_draw(
    example: Load, draw: int, down: set[str]
) -> None:
    planner = example(FAULT).RollingRestartPlanner()
    plan = planner.plan(invocation("rolling-restart", "all"), view(5, down=tuple(down)), draw)
    assert sorted(action.nodes[0] for action in plan) == sorted(set(view(5).nodes) - down)
    assert all(action == example(FAULT).Restart(action.nodes) for action in plan)
    assert plan == planner.plan(invocation("rolling-restart", "all"), view(5, down=tuple(down)), draw)


def test_the_fault_is_scheduled_as_any_other_its_favourite_target_first(example: Load) -> None:
    fault = example(FAULT).ROLLING_RESTART
    schedule = gen.time_limit(60 * SECOND_NS, gen.nemesis(compose([fault]).generator))
    begun = [op for op in simulate(schedule) if op.type == "invoke"]
    assert len(begun) > 20
    assert {op.process for op in begun} == {NEMESIS}
    assert begun[0].value == {"target": "all"}
    assert {op.value["target"] for op in begun[::2]} == set(fault.targets)
    assert {(a.f, b.f) for a, b in pairwise(begun)} == {fault.operations, fault.operations[::-1]}


def test_the_faults_names_tell_checkers_and_reports_what_breaks_and_what_mends(example: Load) -> None:
    fault = example(FAULT).ROLLING_RESTART
    built = HistoryBuilder()
    for name in (fault.begin, fault.end):
        built.nemesis(name, {"actions": [{"kind": "Restart", "nodes": ["n1"], "took_effect": False}]})
    run = recording(built, options={"nemesis": [fault.name]}, fault_kinds=(fault.kind,))
    verdict = Vacuity().check(run)
    assert verdict.validity is Validity.UNKNOWN
    assert "rolling-restart was asked for (1 operation), but never took effect" in verdict.summary
    assert [is_fault(span) for span in Spans.of(run.history).nemesis()] == [True, False]


def run_in_virtual_time(work: Any, perform: Callable[[Operation, int], tuple[Operation, int]]) -> Recording:
    """Three seconds of work, a heal and the final phase, against a registry that is a function."""

    def answer(op: Operation, now: int) -> tuple[Operation, int]:
        return (msgspec.structs.replace(op, type="info"), MS) if op.f == FINAL_HEAL else perform(op, now)

    main = gen.time_limit(3 * SECOND_NS, gen.clients(gen.stagger(3 * MS, work.generator)))
    test = gen.phases(main, gen.nemesis({"f": FINAL_HEAL}), work.final)
    history = simulate(test, threads=6, nodes=NODES, seed=1, perform=answer)
    return recording(history, nodes=NODES)


def test_the_workload_finds_nothing_wrong_with_a_perfect_registry(example: Load) -> None:
    work = example("harness/workload/hot_instance.py").hot_instance(NODES, 6)
    run = run_in_virtual_time(work, Registry().perform)
    found = {v.checker: v.mark.value for v in check_all(work.checkers, run) if v.mark != "valid"}
    assert found == {"stats": "only measures"}
    assert results(work.checkers, run).validity is Validity.VALID
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
        if now < SECOND_NS:
            past.perform(op, now)
        stale = op.node == "n3" and op.f == "lookup" and now >= SECOND_NS
        return (past if stale else registry).perform(op, now)

    found = results(work.checkers, run_in_virtual_time(work, perform))
    verdicts = {v.checker: v for v in found.verdicts}
    assert verdicts["linearizability"].validity is Validity.INVALID
    assert verdicts["linearizability"].evidence[0].operations
    assert found.validity is Validity.INVALID


def test_the_workload_ends_although_no_node_ever_answers(example: Load) -> None:
    work = example("harness/workload/hot_instance.py").hot_instance(NODES, 6)
    run = run_in_virtual_time(work, Registry(dead=frozenset(NODES)).perform)
    assert results(work.checkers, run).validity is not Validity.VALID


def final_phase(history: History) -> list[Operation]:
    """What clients began after the final heal."""
    heal = next(op for op in history if op.f == FINAL_HEAL)
    return [op for op in history if op.index > heal.index and op.type == "invoke" and op.is_client]


def test_the_codec_says_fail_only_of_what_certainly_did_not_happen(example: Load) -> None:
    codec = example("pocket.py").PocketCodec()
    begin = partial(Operation, 7, 0, 1, "invoke", key="hot/10.0.0.1:80")
    register, deregister, lookup = begin(f="register", value="r7"), begin(f="deregister"), begin(f="lookup")
    update, listing = begin(f="update", value="r8"), Operation(7, 0, 1, "invoke", "final-list", "hot")
    assert codec.encode(register) == HttpRequest("PUT", "/hot/10.0.0.1:80", body=b"r7")
    assert codec.encode(update) == HttpRequest("POST", "/hot/10.0.0.1:80", body=b"r8")
    assert codec.encode(listing) == HttpRequest("GET", "/hot/")
    assert (codec.encode(deregister).method, codec.encode(lookup).method) == ("DELETE", "GET")

    def ended(operation: Operation, reply: HttpReply | NoReply) -> tuple[str, Any]:
        done = codec.decode(operation, reply)
        return done.type, done.value

    assert ended(register, HttpReply(200, {}, b'"r7"')) == ("ok", "r7")
    assert ended(deregister, HttpReply(200, {}, b'"r3"')) == ("ok", "r3")
    assert ended(update, HttpReply(200, {}, b"false")) == ("ok", False)
    assert ended(lookup, HttpReply(200, {}, b"null")) == ("ok", None)
    for write in (register, update, deregister):
        assert ended(write, NoReply("timed out", sent=True)) == ("info", None)
        assert ended(write, HttpReply(500, {}, b"")) == ("info", None)
        assert ended(write, NoReply("connection refused", sent=False)) == ("fail", None)
    for read in (lookup, listing):
        assert ended(read, NoReply("timed out", sent=True)) == ("fail", None)
        assert ended(read, HttpReply(500, {}, b"")) == ("fail", None)


def max_register(*operations: tuple[str, int]) -> HistoryBuilder:
    """Writes and reads of numbers, one after the other."""
    built = HistoryBuilder()
    for f, number in operations:
        built.do(f, "x", number if f == "write" else None, number)
    return built


def test_the_model_allows_only_the_largest_number_to_be_read(example: Load) -> None:
    model = example("checkers/models/max_register.py").MaxRegister()
    for numbers, validity in (((5, 3, 5), Validity.VALID), ((5, 3, 3), Validity.INVALID)):
        built = max_register(("write", numbers[0]), ("write", numbers[1]), ("read", numbers[2]))
        verdict = LinearizabilityOf(model).check(recording(built))
        assert verdict.validity is validity


# ---- the examples in their places -----------------------------------------------------------------------


ROOTS = ("ackproof", "checkers", "harness", "history", "node_impl", "reports")
BEING_WRITTEN = shutil.ignore_patterns("*.pyc.*", "*.machine.*", "*.tmp.*")
"""Names that a file has until another process has written it; then it is renamed."""


def followed(source: Path, *sections: str) -> Path:
    """A copy of the source in which these sections' files are written and listed.

    With the times of files and with what Python and numba keep of them, so that only these sections' files
    are compiled.
    """
    for part in ROOTS:
        shutil.copytree(ROOT / part, source / part, ignore=BEING_WRITTEN)
    shutil.copy(ROOT / "pyproject.toml", source)
    for block in PAGE:
        if block.section in sections and block.kind != "sh" and block.file not in OWN_FILES:
            follow(block, source)
    return source


def own_project(folder: Path) -> Path:
    """A folder with the reader's own files, and nothing of Ackproof."""
    folder.mkdir()
    for block in EXAMPLES:
        if block.file in OWN_FILES:
            follow(block, folder)
    return folder


def ackproof_with(
    source: Path, folder: Path, *arguments: str, timeout_s: float = 100
) -> subprocess.CompletedProcess[str]:
    """Run the command with that source, before any that is installed, in a folder."""
    environment = {**os.environ, "PYTHONPATH": str(source), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, "-m", "ackproof", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=timeout_s,
    )


def commands_of(section: str) -> list[tuple[list[str], int]]:
    """The commands that a section shows, and the exit status that each claims."""
    blocks_of = [block for block in PAGE if block.section == section and block.kind == "sh"]
    return [found for block in blocks_of for found in commands(block)]


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A state folder of the test's own; every process that was started with it must have ended."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    yield tmp_path / "state"
    assert carrying("XDG_STATE_HOME", str(tmp_path / "state")) == [], "processes were left behind"


def run_command(source: Path, folder: Path, command: list[str], status: int) -> RunFolder:
    """Run a command of the page with that source, in a folder; the folder of its run."""
    program, *arguments = command
    assert program == "ackproof"

    def ran(seed: int) -> tuple[int, str]:
        by_seed = ("--seed", str(seed)) if arguments[0] == "run" else ()
        done = ackproof_with(source, folder, *arguments, *by_seed)
        return done.returncode, done.stdout + done.stderr

    ended, output = decided(ran)
    assert ended == status, output
    return RunFolder(folder / "store" / "latest")


def results_of(folder: RunFolder) -> Results:
    return msgspec.json.decode(folder.results_json.read_bytes(), type=Results)


def invalid(folder: RunFolder) -> set[str]:
    return {verdict.checker for verdict in results_of(folder).verdicts if verdict.validity == "invalid"}


# ---- the table: what each row touches -------------------------------------------------------------------


@pytest.mark.parametrize("section", SECTIONS)
def test_each_kind_of_thing_is_one_new_file_and_at_most_one_line_in_a_list(section: str) -> None:
    new = [block.file for block in PAGE if block.section == section and block.kind == "python"]
    lists = [block for block in PAGE if block.section == section and block.kind == "diff"]
    if section == "A system":
        assert (new, lists) == (list(OWN_FILES), []), "the system under test, and the file that describes it"
        return
    assert len(new) == len(lists) == 1
    added = [line[1:] for line in lists[0].text.splitlines() if line.startswith("+")]
    entries = [line for line in added if not line.startswith(("from ", "import "))]
    assert len(entries) == 1
    assert len(added) == 2, "the line, and the import that it needs"
    assert [line for line in lists[0].text.splitlines() if line.startswith("-")] == []


def test_what_is_listed_is_known_by_name_and_the_checker_judges_every_registry_run(tmp_path: Path) -> None:
    source = followed(tmp_path, *SECTIONS)
    asked = (
        "from checkers.models import MODELS; from checkers.registry.suite import registry_checkers; "
        "from harness.cluster.kinds import LOCAL; from harness.mutants.catalogue import MUTANTS; "
        "from harness.nemesis import nemesis_of; from harness.workload import workload; "
        "print([c.name for c in registry_checkers()][:4], "
        "nemesis_of(['rolling-restart:one'], LOCAL).faults[0].targets, "
        "workload('hot-instance', ['n1'], 1).name, 'max-register' in MODELS, 'register-once' in MUTANTS)"
    )
    environment = {**os.environ, "PYTHONPATH": str(source), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", asked], cwd=source, env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.split("\n")[0] == (
        "['durability', 'linearizability', 'index-honesty', 'lookup-latency'] ('one',) hot-instance True True"
    ), done.stderr


# ---- the commands ---------------------------------------------------------------------------------------


def test_the_system_is_tested_by_its_file_alone_and_refuted(tmp_path: Path, state: Path) -> None:
    """With the source as it is: nothing in Ackproof changes, and the reference node stays what it was."""
    folder = own_project(tmp_path / "project")
    ((command, status),) = commands_of("A system")
    run = run_command(ROOT, folder, command, status)
    assert "linearizability" in invalid(run)
    recorded = run.recording()
    assert {(life.node, life.life) for life in recorded.lives} >= {(node, 1) for node in NODES}
    verdict = next(v for v in results_of(run).verdicts if v.checker == "linearizability")
    shown = [recorded.history[index] for index in verdict.evidence[0].operations]
    begun = [
        (life.node, life.life)
        for op in shown
        for life in recorded.lives
        if life.node == op.node and life.started_at <= op.time <= (life.ended_at or op.time)
    ]
    assert len(set(begun)) > 1, "two nodes, or two lives of one, hold dictionaries of their own"
    assert "registry on pocket.py:Pocket, 3 nodes" in run.report_html.read_text(encoding="utf-8")
    assert [path.name for path in sorted(folder.iterdir())] == ["pocket.py", "pocket_server.py", "store"]


def test_a_workload_that_the_system_does_not_have_is_refused_with_those_that_fit(tmp_path: Path) -> None:
    folder = own_project(tmp_path / "project")
    done = ackproof_with(ROOT, folder, "run", "--system", "pocket.py:Pocket", "--workload", "cas")
    assert done.returncode == 254
    assert "workload cas needs the data type cas-register" in done.stderr
    assert "workloads that fit: registry, sessions" in done.stderr


def test_the_workload_runs_on_the_reference_node_and_on_the_new_system(tmp_path: Path, state: Path) -> None:
    source = followed(tmp_path / "source", "A workload")
    folder = own_project(tmp_path / "project")
    on_reference, on_pocket = commands_of("A workload")
    run = run_command(source, folder, *on_reference)
    assert results_of(run).validity == "valid"
    assert [verdict.checker for verdict in results_of(run).verdicts if verdict.mark != "valid"] == ["stats"]
    assert invalid(run_command(source, folder, *on_pocket)) == {"linearizability"}


def test_the_fault_takes_effect_on_real_and_on_simulated_nodes(tmp_path: Path, state: Path) -> None:
    source = followed(tmp_path / "source", "A fault")
    for command, status in commands_of("A fault"):
        run = run_command(source, tmp_path, command, status)
        vacuity = next(verdict for verdict in results_of(run).verdicts if verdict.checker == "vacuity")
        assert "faults that took effect: rolling-restart" in vacuity.summary
        restarted = [life for life in run.recording().lives if life.life == 2]
        assert sorted(life.node for life in restarted) == sorted(NODES)
        assert "rolling-restart" in run.report_html.read_text(encoding="utf-8")


def test_the_checker_judges_a_run(tmp_path: Path, state: Path) -> None:
    source = followed(tmp_path / "source", "A checker")
    done = ackproof_with(
        source, tmp_path, "sim", "--seed", "1", "--nemesis", "none", "--time-limit", "20", "--json"
    )
    verdicts = {verdict["checker"]: verdict for verdict in json.loads(done.stdout)["verdicts"]}
    assert verdicts["lookup-latency"]["measures"]["answered"] > 0, done.stderr


def test_the_model_is_checked_by_name(tmp_path: Path) -> None:
    source = followed(tmp_path / "source", "A model")
    built = max_register(("write", 5), ("write", 3), ("read", 3))
    with HistoryWriter(tmp_path / "history.jsonl") as writer:
        for operation in built.history():
            writer.append(operation)
    for command, status in commands_of("A model"):
        run_command(source, tmp_path, command, status)


def test_the_mutant_is_caught_by_its_own_checker(tmp_path: Path) -> None:
    source = followed(tmp_path / "source", "A mutant")
    ((command, status),) = commands_of("A mutant")
    found = invalid(run_command(source, tmp_path, command, status))
    assert "linearizability" in found
    assert found <= {"linearizability", *CLIENT_CHECKERS}
