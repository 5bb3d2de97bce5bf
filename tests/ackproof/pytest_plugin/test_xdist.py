"""A project on two workers of pytest-xdist: no worker disturbs the other, and every report is listed."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from ackproof.pytest_plugin import ports
from harness.cluster import ports as of_clusters
from harness.errors import CouldNotRun
from tests.ackproof.pytest_plugin.projects import outcome_of, write

TESTS = """
import ackproof
import pytest

@pytest.mark.ackproof(world="sim", nodes=3, nemesis="kill", time_limit_s=5, seeds=[2, 3], mutant="forgetful")
def test_run(run):
    assert run.is_valid

@pytest.mark.ackproof_cluster(world="sim")
@pytest.mark.parametrize("number", range(3))
def test_cluster(cluster, number):
    assert cluster.perform("register", "svc/10.0.0.1:80", f"r{number}").type == "ok"
    assert cluster.perform("lookup", "svc/10.0.0.1:80", process=1).value == f"r{number}"
    assert cluster.check(model="registry")

@ackproof.sim_test(seeds=1, start=3, nodes=3, nemesis="kill", time_limit_s=8)
def test_seeds(sim):
    assert sim.valid == 1
"""


def test_two_workers_share_nothing_and_all_reports_are_listed(tmp_path: Path) -> None:
    project = write(tmp_path / "project", {"test_it.py": TESTS})
    done = outcome_of(project, "-n", "2")
    assert done.status == 1, done.output
    failed = [name for name in done.cases if not done.passed(name)]
    assert sorted(failed) == ["test_run[seed-2]", "test_run[seed-3]"], done.output
    assert len(done.cases) == 6
    kept = list((project / ".ackproof").glob("gw*/test_run-*/*-registry-*/report.html"))
    assert len(kept) == 2
    listed = done.output.partition("ackproof: reports of what failed")[2]
    assert [str(path) for path in kept if str(path) not in listed] == []


def test_workers_take_ports_from_ranges_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (ports.LOWEST, ports.HIGHEST) == (of_clusters.LOWEST, of_clusters.HIGHEST)
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    assert ports.own_base_port() is None
    monkeypatch.setenv("PYTEST_XDIST_WORKER_COUNT", "4")
    width = (ports.HIGHEST - ports.LOWEST) // 4
    for number in range(4):
        monkeypatch.setenv("PYTEST_XDIST_WORKER", f"gw{number}")
        least = ports.LOWEST + number * width
        for _ in range(50):
            found = ports.own_base_port()
            assert found is not None
            assert least <= found <= least + width - ports.MOST_PORTS


def test_the_message_of_a_taken_port_is_recognized() -> None:
    taken = of_clusters.free_ports(1)[0]
    with socket.socket() as listener:
        listener.bind((of_clusters.LOOPBACK, taken))
        listener.listen(1)
        with pytest.raises(CouldNotRun) as refusal:
            of_clusters.free_ports(2, taken)
    assert ports.is_taken(str(refusal.value))
    assert not ports.is_taken("no leader within 30 s")


REAL = """
import pytest

@pytest.mark.ackproof_cluster(world="local", nodes=3, faults="kill")
@pytest.mark.parametrize("number", range(2))
def test_cluster(cluster, number):
    assert cluster.perform("register", "svc/10.0.0.1:80", f"r{number}").type == "ok"
    cluster.kill("n1")
    cluster.start("n1")
    cluster.wait_for_leader()
    assert cluster.perform("lookup", "svc/10.0.0.1:80", process=1).value == f"r{number}"
    assert cluster.check(model="registry")
"""


@pytest.mark.campaign
def test_two_workers_have_real_clusters_at_the_same_time(tmp_path: Path) -> None:
    done = outcome_of(write(tmp_path / "project", {"test_it.py": REAL}), "-n", "2")
    assert done.status == 0, done.output
    assert len(done.cases) == 2
