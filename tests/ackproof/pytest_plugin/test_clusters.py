"""The fixture `cluster`: faults, clients, a history of the test's own, and what it must not let pass."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ackproof.pytest_plugin.calling import Companion
from ackproof.pytest_plugin.errors import NotJudged
from harness.errors import CouldNotRun
from harness.hosts.processes import carrying
from harness.systems.installing.finding import located
from tests.ackproof.pytest_plugin.projects import Outcome, named, outcome_of, write
from tests.harness.hosts.namespaces import needs_namespaces

SIMULATED = """
import threading
import pytest

pytestmark = pytest.mark.ackproof_cluster(world="sim", nodes=3, faults="kill, partition, pause, loss")
KEY = "svc/10.0.0.1:80"

def test_faults(cluster):
    assert cluster.perform("register", KEY, "r1") == ("ok", "r1", None)
    with cluster.fault("kill", "leader") as fault:
        assert fault.took_effect and len(fault.nodes) == 1
        assert not cluster.status()[fault.nodes[0]]["running"]
        assert cluster.wait_for_leader() != fault.nodes[0]
        assert cluster.perform("register", KEY, "r2", process=1).type in ("ok", "info", "fail")
    with cluster.fault("partition", "isolate-leader") as fault:
        assert len(fault.links) == 4
        cluster.sleep(1)
    with cluster.fault("pause", "n2"):
        assert cluster.status()["n2"]["paused"]
    cluster.kill("n1")
    cluster.start()
    leader = cluster.wait_for_leader()
    assert cluster.leader() == leader
    assert cluster.perform("lookup", KEY, process=7, node=leader).value in ("r1", "r2")
    check = cluster.check(model="registry")
    check.assert_valid()
    assert check.report.is_file()
    assert check.verdict["checker"] == "linearizability"

def test_own_client(cluster):
    def client(process):
        with cluster.history.operation(process, "write", f"k{process}", process) as write:
            write.ok()
        with cluster.history.operation(process, "read", f"k{process}") as read:
            read.ok_read(process)
    threads = [threading.Thread(target=client, args=(process,)) for process in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with pytest.raises(RuntimeError), cluster.history.operation(0, "write", "k0", 9):
        raise RuntimeError("connection reset")
    with cluster.history.operation(0, "read", "k0") as read:
        read.ok_read(9)
    assert cluster.check("register")

def test_lost_write(cluster):
    with cluster.history.operation(0, "write", "x", 1) as write:
        write.ok()
    with cluster.history.operation(1, "read", "x") as read:
        read.ok_read(None)
    assert cluster.check(model="register")

def test_never_judged(cluster):
    with cluster.history.operation(0, "write", "x", 1) as write:
        write.ok()

def test_need_not_be_judged(cluster):
    cluster.perform("register", KEY, "r1")
    cluster.history.need_not_be_judged()

def test_says_nothing(cluster):
    with cluster.history.operation(0, "write", "x", 1):
        pass

def test_no_effect(cluster):
    with cluster.fault("partition", "isolate-leader"):
        pass

def test_twice(cluster):
    with cluster.fault("kill", "n1"), cluster.fault("kill", "n2"):
        pass

def test_unknown_fault(cluster):
    with cluster.fault("partitoin"):
        pass

def test_unknown_target(cluster):
    with cluster.fault("kill", "n9"):
        pass

def test_unknown_model(cluster):
    cluster.check("regster")

def test_unknown_operation(cluster):
    cluster.perform("regist", KEY)

def test_address(cluster):
    cluster.nodes["n1"].address

def test_after_all_these_the_companion_still_answers(cluster):
    assert cluster.wait_for_leader() in cluster.nodes

@pytest.mark.ackproof_cluster(world="sim", faults=["disk-fire"])
def test_wrong_mark(cluster):
    pass
"""

MESSAGES = {
    "test_says_nothing": "the body of 'write' ended without ok, ok_read, fail or info",
    "test_no_effect": "partition took no effect: no message was lost",
    "test_twice": "kill is on already",
    "test_unknown_fault": "did you mean 'partition'?",
    "test_unknown_target": "kill did not begin: no target is called 'n9'",
    "test_unknown_model": "did you mean 'register'?",
    "test_unknown_operation": "'regist'",
    "test_address": "n1 is simulated and has no address; use cluster.perform",
    "test_never_judged": "operations were recorded and never judged: call cluster.check(model=...)",
    "test_wrong_mark": "unknown nemesis 'disk-fire'",
}
PASSING = (
    "test_faults",
    "test_own_client",
    "test_need_not_be_judged",
    "test_after_all_these_the_companion_still_answers",
)

REAL = """
import urllib.request
import pytest

def test_cluster(cluster):
    for node in cluster.nodes.values():
        with urllib.request.urlopen(f"{node.url}/v1/admin/health", timeout=5):
            pass
    assert cluster.perform("register", "svc/10.0.0.1:80", "r1").type == "ok"
    with cluster.fault("partition", "isolate-leader") as fault:
        assert fault.took_effect
    cluster.kill("n1")
    cluster.start("n1")
    cluster.wait_for_leader()
    assert cluster.perform("lookup", "svc/10.0.0.1:80", process=1).value == "r1"
    assert cluster.check(model="registry")

@pytest.mark.ackproof(nodes=3, time_limit_s=2, nemesis=[], minimum_acknowledged=100_000, seeds=[7])
def test_run(run):
    assert run.is_valid
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("clusters") / "project", {"test_it.py": SIMULATED})


@pytest.fixture(scope="module")
def done(project: Path) -> Outcome:
    return outcome_of(project)


@pytest.mark.parametrize("name", PASSING)
def test_a_test_with_a_cluster_passes(done: Outcome, name: str) -> None:
    assert done.passed(name), done.failure(name)


@pytest.mark.parametrize(("name", "message"), MESSAGES.items())
def test_what_a_cluster_must_not_let_pass_fails_with_a_reason(done: Outcome, name: str, message: str) -> None:
    assert message in done.failure(name)


def test_an_invalid_history_is_explained_and_can_be_judged_again(done: Outcome, project: Path) -> None:
    text = done.failure("test_lost_write")
    assert "key 'x' is not linearizable" in text
    [report] = re.findall(r"report +(/.*)", text)
    assert "is not linearizable" in Path(report).read_text(encoding="utf-8")
    [folder] = re.findall(r"judge it again +ackproof analyze (/.*)", text)
    again = subprocess.run(
        [sys.executable, "-m", "ackproof", "analyze", folder], cwd=project, capture_output=True, timeout=60
    )
    assert again.returncode == 1, again.stderr


def test_real_processes_are_driven_and_a_real_run_is_judged(tmp_path: Path) -> None:
    done = outcome_of(write(tmp_path / "project", {"test_it.py": REAL}))
    assert done.passed("test_cluster"), done.failure("test_cluster")
    text = done.failure("test_run[seed-7]")
    assert "unknown: seed 7" in text
    assert "vacuity" in text
    again = "ackproof run --nodes 3 --time-limit 2 --nemesis none --minimum-acknowledged 100000 --seed 7"
    assert f"run it again  {again}" in text


IN_NAMESPACES = """
import pytest

@pytest.mark.ackproof_cluster(world="netns", nodes=3, faults="partition")
def test_cluster(cluster):
    assert cluster.perform("register", "svc/10.0.0.1:80", "r1").type == "ok"
    with cluster.fault("partition", "isolate-leader") as fault:
        assert fault.took_effect
    cluster.wait_for_leader()
    assert cluster.perform("lookup", "svc/10.0.0.1:80", process=1).value == "r1"
    assert cluster.check(model="registry")
"""

OF_ETCD = """
import pytest

@pytest.mark.ackproof_cluster(world="netns", system="etcd", nodes=3, faults="kill, partition")
def test_cluster(cluster):
    assert cluster.perform("write", "k", "1").type == "ok"
    with cluster.fault("kill", "one"):
        cluster.perform("write", "k", "2")
    cluster.wait_for_leader()
    assert cluster.perform("read", "k", process=1).type == "ok"
    assert cluster.check(model="register")
"""


@needs_namespaces
@pytest.mark.campaign
def test_the_nodes_may_have_networks_of_their_own(tmp_path: Path) -> None:
    done = outcome_of(write(tmp_path / "project", {"test_it.py": IN_NAMESPACES}))
    assert done.status == 0, done.output


@needs_namespaces
@pytest.mark.campaign
def test_another_system_is_tested_in_the_same_way(tmp_path: Path) -> None:
    try:
        located("etcd")
    except CouldNotRun as error:
        pytest.skip(str(error))
    done = outcome_of(write(tmp_path / "project", {"test_it.py": OF_ETCD}))
    assert done.status == 0, done.output


KILLED = """
import os
import signal

def test_it(cluster):
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.campaign
def test_nothing_is_left_of_a_pytest_that_was_killed(tmp_path: Path) -> None:
    project, state = write(tmp_path / "project", {"test_it.py": KILLED}), str(tmp_path / "state")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *named()],
        cwd=project,
        env={**os.environ, "XDG_STATE_HOME": state},
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == -signal.SIGKILL
    deadline = time.monotonic() + 30
    while (left := carrying("XDG_STATE_HOME", state)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert left == []


def test_a_companion_that_ended_is_named_and_replaced_by_no_other(tmp_path: Path) -> None:
    companion = Companion(tmp_path)
    try:
        with pytest.raises(NotJudged, match="did you mean"):
            companion.ask(
                "simulate", {"seed": 1, "options": {"workload": "regist"}, "store": "x", "command": "x"}
            )
        companion._process.kill()
        with pytest.raises(NotJudged, match="has ended with status -9"):
            companion.ask("results", {"folder": "x"})
    finally:
        companion.close()
