"""The fixture `cluster`: nodes that a test drives by itself, faults, and a history that any code may record.

@pytest.mark.ackproof_cluster(nodes=3, faults=["partition"])
def test_my_client(cluster):
    with cluster.fault("partition", "isolate-leader"):
        with cluster.history.operation(0, "write", "x", 1) as write:
            my_client(cluster.nodes["n1"].address).put("x", 1)
            write.ok()
    cluster.check(model="register").assert_valid()
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ackproof.pytest_plugin import calling, errors, evidence, marks, ports
from ackproof.pytest_plugin.errors import NotJudged
from ackproof.pytest_plugin.records import record_of

EXAMPLE = "ackproof_cluster(nodes=3, faults=['kill'])"
MOST_TRIES = 5
"""So often a cluster is started where ports were taken."""


class Node(NamedTuple):
    """One node: its name, and where clients reach it."""

    name: str
    ports: Mapping[str, str]
    """By name of each port, its `host:port`; simulated nodes have none."""

    @property
    def address(self) -> str:
        """The `host:port` at which clients reach the node.

        Raises:
            NotJudged: the node is simulated, and listens nowhere.
        """
        if "client" not in self.ports:
            raise NotJudged(f"{self.name} is simulated and has no address; use cluster.perform")
        return self.ports["client"]

    @property
    def url(self) -> str:
        """The address as an URL: `http://host:port`."""
        return f"http://{self.address}"


class Completion(NamedTuple):
    """How an operation ended: `ok`, `fail` (certainly not done) or `info` (may have been done)."""

    type: str
    value: Any
    error: str | None


class InjectedFault(NamedTuple):
    """A fault that is on."""

    name: str
    actions: Sequence[Mapping[str, Any]]
    """What was done: kind, nodes, links, details, and `took_effect`: None where that is not known yet."""

    @property
    def nodes(self) -> list[str]:
        """The nodes that were hit."""
        return sorted({node for action in self.actions for node in action["nodes"] or ()})

    @property
    def links(self) -> list[tuple[str, str]]:
        """The links that were hit, each from one node to another."""
        return sorted({(link[0], link[1]) for action in self.actions for link in action["links"] or ()})

    @property
    def took_effect(self) -> bool:
        """Whether all of it was seen to take effect."""
        return all(action["took_effect"] for action in self.actions)


class Check:
    """A judged history. It counts as true only if it is valid."""

    def __init__(self, judged: Mapping[str, Any], model: str) -> None:
        self._judged = judged
        self.model = model
        self.validity = str(judged["validity"])
        """`valid`, `invalid` or `unknown`."""
        self.verdict: evidence.Verdict = judged["verdicts"][0]
        self.folder = Path(judged["folder"])

    @property
    def is_valid(self) -> bool:
        """Whether the history is valid."""
        return self.validity == "valid"

    def __bool__(self) -> bool:
        return self.is_valid

    @property
    def report(self) -> Path:
        """The page that shows the history and what was found in it."""
        return self.folder / "report.html"

    def assert_valid(self) -> None:
        """Fail the test, with the evidence, unless the history is valid."""
        __tracebackhide__ = True
        if not self.is_valid:
            raise AssertionError(self.explained())

    def explained(self) -> str:
        """The verdict, what shows it, the line that judges it again, and the report."""
        return "\n".join(
            [
                f"{self.validity}: the history of the cluster, as {self.model}",
                *evidence.lines_of([self.verdict]),
                f"  judge it again  ackproof analyze {self.folder}",
                f"  report          {self.report}",
            ]
        )

    def __repr__(self) -> str:
        return f"<Check {self.validity}: {self.verdict['summary']}>"


class RecordedOperation:
    """One operation that a test's own code carries out. Use as `with`.

    Its invocation is in the history before the body begins. The body says how it ended. A body that raises
    leaves it as `info`: it may have happened.
    """

    def __init__(self, cluster: Cluster, operation: Mapping[str, Any]) -> None:
        self._cluster = cluster
        self._operation = operation
        self._number: int | None = None
        self._is_completed = False

    def ok(self, value: Any = None) -> None:
        """It happened; with its result, or else with the value that it was asked with."""
        self._complete("ok", self._operation["value"] if value is None else value)

    def ok_read(self, value: Any) -> None:
        """It happened, and read this, which may be None."""
        self._complete("ok", value)

    def fail(self, error: object = None) -> None:
        """It certainly did not happen, and never will."""
        self._complete("fail", self._operation["value"], error)

    def info(self, error: object = None) -> None:
        """It may have happened, or may yet happen."""
        self._complete("info", self._operation["value"], error)

    def __enter__(self) -> RecordedOperation:
        self._number = int(self._cluster.ask("invoke", operation=self._operation)["operation"])
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if self._is_completed:
            return
        if error is not None:
            self.info(f"{type(error).__name__}: {error}")
            return
        self.info("the test did not say how it ended")
        raise NotJudged(f"the body of {self._operation['f']!r} ended without ok, ok_read, fail or info")

    def _complete(self, type_: str, value: Any, error: object = None) -> None:
        if self._number is None:
            raise NotJudged("an operation begins with `with`")
        if self._is_completed:
            raise NotJudged(f"{self._operation['f']!r} was completed before; the first completion counts")
        text = None if error is None else str(error)[:1000]
        done = {"operation": self._number, "type": type_, "value": value, "error": text}
        self._cluster.ask("complete", operation=done)
        self._is_completed = True


class Recorder:
    """The history of a cluster. Any thread may record operations, each thread under a number of its own."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def operation(
        self, process: int, f: str, key: str | None = None, value: Any = None, node: str | None = None
    ) -> RecordedOperation:
        """An operation that the test's own code is about to carry out.

        Args:
            process: the number of the client's thread, from 0; it has one operation at a time.
            f: the name of the operation, as the data type has it: `write`, `read`, ...
            key: the object.
            value: the argument, as JSON has values.
            node: the node that is asked, for the report.
        """
        self._cluster.note_recorded()
        given = {"process": process, "f": f, "key": key, "value": value, "node": node}
        return RecordedOperation(self._cluster, given)

    def need_not_be_judged(self) -> None:
        """Let the test pass although its history is not judged."""
        self._cluster.let_be()


class Cluster:
    """A running cluster. All times are those of its world: virtual where it is simulated."""

    def __init__(
        self, number: int, members: Mapping[str, Mapping[str, str]], folder: Path, root: Path
    ) -> None:
        self._number = number
        self._root = root
        self._checks: list[Check] = []
        self._must_be_judged = False
        self._may_be_unjudged = False
        self.folder = folder
        """Holds each node's log, trace and data, and the history."""
        self.nodes: Mapping[str, Node] = {name: Node(name, ports) for name, ports in members.items()}
        self.history = Recorder(self)

    # ---- clients ---------------------------------------------------------------------------------------

    def perform(
        self, f: str, key: str | None = None, value: Any = None, *, process: int = 0, node: str | None = None
    ) -> Completion:
        """Carry out an operation by the system's own client, and record it.

        Args:
            f, key, value: the operation, as the data type has it (docs/extending.md lists the data types).
            process: the number of the client's thread.
            node: the node to ask; by default one for each process.
        """
        self.note_recorded()
        given = {"process": process, "f": f, "key": key, "value": value, "node": node}
        return Completion(**self.ask("perform", operation=given))

    # ---- faults ----------------------------------------------------------------------------------------

    @contextmanager
    def fault(self, name: str, target: str | Sequence[str] | None = None) -> Iterator[InjectedFault]:
        """Inject a fault while the body runs, and heal it.

        Args:
            name: one of the cluster's faults: kill, pause, partition, or those that its mark names.
            target: what it hits, such as `leader`, a node's name, or a shape; None for its favourite target.

        Raises:
            NotJudged: it took no effect, or was not healed.
        """
        begun = self.ask("begin_fault", name=name, target=target)
        try:
            yield InjectedFault(name, begun["actions"])
        except BaseException as error:
            try:
                self.ask("end_fault", name=name)
            except NotJudged as also:
                error.add_note(f"ackproof: {also}")
            raise
        self.ask("end_fault", name=name)

    def kill(self, *nodes: str) -> None:
        """End nodes with SIGKILL; all without a name."""
        self._act("kill", nodes)

    def stop(self, *nodes: str) -> None:
        """End nodes in order, with SIGTERM; all without a name."""
        self._act("terminate", nodes)

    def start(self, *nodes: str) -> None:
        """Start nodes that do not run, and wait until they answer; all without a name."""
        self._act("start", nodes)

    def pause(self, *nodes: str) -> None:
        """Stop nodes in mid-step; all without a name."""
        self._act("pause", nodes)

    def resume(self, *nodes: str) -> None:
        """Let paused nodes go on; all without a name."""
        self._act("resume", nodes)

    def _act(self, what: str, nodes: Sequence[str]) -> None:
        self.ask("act", what=what, nodes=list(nodes or self.nodes))

    # ---- what is known ---------------------------------------------------------------------------------

    def status(self) -> dict[str, Any]:
        """By node, what it says of itself: role, term, leader, and whether it runs."""
        found: dict[str, Any] = self.ask("status")["nodes"]
        return found

    def leader(self) -> str | None:
        """The leader that a majority of the nodes names; None if there is none."""
        found = self.ask("status")["leader"]
        return None if found is None else str(found)

    def wait_for_leader(self) -> str:
        """Wait until a majority of the nodes names the same leader; its name.

        Raises:
            NotJudged: there is none in time.
        """
        return str(self.ask("wait_for_leader"))

    def sleep(self, seconds: float) -> None:
        """Let time pass: virtual time where the cluster is simulated."""
        self.ask("sleep", seconds=seconds)

    # ---- judging ---------------------------------------------------------------------------------------

    def check(
        self, model: str, *, consistency: str | None = None, options: Mapping[str, str] | None = None
    ) -> Check:
        """Judge the history, which ends here: nothing more can be recorded.

        Args:
            model, consistency, options: as of `ackproof.check`.

        Returns:
            What was found: `assert cluster.check(model="register")` fails with the evidence.

        Raises:
            NotJudged: there is no such model, or the history has an operation that the model lacks.
        """
        asked = {"model": model, "consistency": consistency, "options": dict(options or {})}
        judged = self.ask("check", store=str(self.folder.parent), **asked)
        found = Check(judged, model)
        self._checks.append(found)
        self._must_be_judged = False
        return found

    def note_recorded(self) -> None:
        """Note that there is something to judge."""
        self._must_be_judged = True

    def let_be(self) -> None:
        """Let the history be unjudged."""
        self._may_be_unjudged = True

    def close(self) -> list[str]:
        """End the nodes; what must not be, in words: a history that was not judged, nodes that ended."""
        wrong: list[str] = list(self.ask("close"))
        if self._must_be_judged and not self._may_be_unjudged:
            wrong.append(
                "operations were recorded and never judged: call cluster.check(model=...), or "
                "cluster.history.need_not_be_judged()"
            )
        return wrong

    def ask(self, request: str, **arguments: Any) -> Any:
        """Ask the companion about this cluster.

        Raises:
            NotJudged: it was refused, in words.
        """
        return calling.ask(request, self._root, cluster=self._number, **arguments)

    # ---- if the test fails -----------------------------------------------------------------------------

    def explained(self) -> str:
        """What was found in the history, and where the nodes' files are."""
        found = [check.explained() for check in self._checks if not check.is_valid]
        return "\n".join([*found, f"the cluster's files: {self.folder}"])

    def reports(self) -> list[Path]:
        """The pages of what was judged."""
        return [check.report for check in self._checks]


@contextmanager
def opened(item: pytest.Item) -> Iterator[Cluster]:
    """Start the cluster of a test's mark, and end it after the body."""
    with errors.shown_alone():
        cluster = _started(item)
    record = record_of(item)
    record.shown.append(cluster)
    yield cluster
    with errors.shown_alone():
        wrong = cluster.close()
    if wrong and not record.has_failed:
        raise pytest.fail.Exception(f"ackproof: {'; '.join(wrong)}", pytrace=False)


def _started(item: pytest.Item) -> Cluster:
    options = _options(item)
    root, folder = item.config.rootpath, record_of(item).made() / "cluster"
    for tries in range(1, MOST_TRIES + 1):
        base_port = ports.own_base_port()
        try:
            made = calling.ask("start", root, options=options, folder=str(folder), base_port=base_port)
        except NotJudged as error:
            if tries == MOST_TRIES or not ports.is_taken(str(error)):
                raise
            continue
        return Cluster(made["cluster"], made["members"], folder, root)
    raise AssertionError("the last try either returned or raised")


def _options(item: pytest.Item) -> dict[str, Any]:
    """The options of the mark, if there is one."""
    mark = item.get_closest_marker("ackproof_cluster")
    if mark is None:
        return {}
    options = marks.options_of(mark, marks.OF_CLUSTERS, EXAMPLE)
    nodes = options.get("nodes", 3)
    if type(nodes) is not int or not 1 <= nodes <= marks.MOST_NODES:
        raise pytest.UsageError(
            f"nodes={nodes!r} of a cluster is not a whole number from 1 to {marks.MOST_NODES}"
        )
    if "faults" in options:
        options["faults"] = marks.fault_list(options["faults"])
    return options
