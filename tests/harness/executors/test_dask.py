"""Work on Dask: nothing is lost and nothing counted twice; other code, and plain connections, are refused."""

from __future__ import annotations

import signal
from collections import Counter
from pathlib import Path

import pytest

from harness.errors import CouldNotRun
from harness.executors import dask_cluster
from harness.executors.dask_address import checked_address, unprotected
from harness.executors.dask_cluster import DaskCluster
from harness.executors.executor import each_result
from harness.executors.on_dask import MOST_REFUSALS, OnDask
from harness.sim.schedule.version import identity
from tests.harness.executors.dask_processes import dask_processes, needs_dask
from tests.harness.executors.pieces import noted, pretended, slowly_squared, squared


def test_nothing_is_lost_or_counted_twice_when_a_worker_is_killed_and_the_scheduler_restarted(
    tmp_path: Path,
) -> None:
    needs_dask()
    notes = tmp_path / "notes"
    notes.mkdir()
    said: list[str] = []
    taken: Counter[int] = Counter()
    with dask_processes(tmp_path, 2) as cluster:
        executor: OnDask[int, [tuple[Path, int]], int] = OnDask(
            noted, DaskCluster(cluster.address, pretended, jobs=1), said.append
        )
        for number, result in each_result(executor, ((number, (notes, number)) for number in range(240))):
            taken[number] += 1
            assert result == number
            if sum(taken.values()) == 40:
                cluster.workers[0].send_signal(signal.SIGKILL)
            if sum(taken.values()) == 120:
                cluster.restart()
    assert taken == dict.fromkeys(range(240), 1)
    done = [int(path.name.split("-")[0]) for path in notes.iterdir()]
    assert set(done) == set(range(240))
    assert said
    assert all(cluster.address in text for text in said)


def test_a_worker_with_other_python_is_refused_by_its_address_before_any_work(tmp_path: Path) -> None:
    needs_dask()
    with dask_processes(tmp_path, 1) as cluster:
        cluster.start_worker({"PRETENDED_PYTHON": "3.9.9"})
        wait_for_workers(cluster.address, 2)
        with pytest.raises(CouldNotRun, match=r"1 of 2 Dask workers cannot be used: tcp://127\.0\.0\.1:\d+ "):
            DaskCluster(cluster.address, pretended, jobs=1)
        with pytest.raises(CouldNotRun, match=r"\(Python is 3\.9\.9 there and "):
            DaskCluster(cluster.address, pretended, jobs=1)


@pytest.mark.campaign
def test_a_worker_that_dies_while_it_is_asked_for_its_code_is_not_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs_dask()
    with dask_processes(tmp_path, 2) as cluster:
        connected = DaskCluster(cluster.address, pretended, jobs=1)
        ask = connected._client.run

        async def dying(*args: object, **kwargs: object) -> object:
            """The first time, a worker dies, and the connection to it ends."""
            if cluster.workers[0].poll() is None:
                cluster.workers[0].kill()
                cluster.workers[0].wait()
                return dict.fromkeys(connected.workers, OSError("connection closed"))
            return await ask(*args, **kwargs)

        monkeypatch.setattr(connected._client, "run", dying)
        connected._check()
        assert len(connected.workers) == 1
        connected.close()


@pytest.mark.campaign
def test_a_worker_with_other_code_that_comes_later_does_no_work(tmp_path: Path) -> None:
    needs_dask()
    said: list[str] = []
    with dask_processes(tmp_path, 1) as cluster:
        connected = DaskCluster(cluster.address, pretended, jobs=1)
        executor: OnDask[int, [int], int] = OnDask(squared, connected, said.append)
        cluster.start_worker({"PRETENDED_PYTHON": "3.9.9"})
        wait_for_workers(cluster.address, 2)
        found = list(each_result(executor, ((number, number) for number in range(60))))
    assert sorted(found) == [(number, number**2) for number in range(60)]
    (line,) = said
    assert line.startswith("the Dask worker tcp://127.0.0.1:")
    assert "came later and is not used: Python is 3.9.9 there" in line


@pytest.mark.campaign
@pytest.mark.timeout(300)
def test_a_refused_worker_takes_no_work_from_others_and_one_that_replaces_them_gets_it(
    tmp_path: Path,
) -> None:
    needs_dask()
    said: list[str] = []
    found = []
    with dask_processes(tmp_path, 1) as cluster:
        connected = DaskCluster(cluster.address, pretended, jobs=1)
        executor: OnDask[int, [int], int] = OnDask(slowly_squared, connected, said.append)
        for refused in range(1, MOST_REFUSALS + 2):
            cluster.start_worker({"PRETENDED_PYTHON": f"3.9.{refused}"})
        for number, result in each_result(executor, ((number, number) for number in range(30))):
            found.append((number, result))
            if len(found) == 20:
                cluster.start_worker()
                cluster.workers[0].send_signal(signal.SIGKILL)
    assert sorted(found) == [(number, number**2) for number in range(30)]
    refused_lines = [line for line in said if "came later and is not used: Python is 3.9." in line]
    assert 1 <= len(refused_lines) == len(set(refused_lines))


@pytest.mark.campaign
def test_a_worker_without_ackproof_is_refused(tmp_path: Path) -> None:
    needs_dask()
    hiding = tmp_path / "hiding" / "harness"
    hiding.mkdir(parents=True)
    (hiding / "__init__.py").write_text("raise ModuleNotFoundError(\"No module named 'harness'\")\n")
    with dask_processes(tmp_path, 1, environment={"PYTHONPATH": str(hiding.parent)}) as cluster:
        wait_for_workers(cluster.address, 1)
        with pytest.raises(CouldNotRun, match="Ackproof, or this version of it, is not installed there"):
            DaskCluster(cluster.address, identity, jobs=1)


def test_a_scheduler_that_is_not_there_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    needs_dask()
    with pytest.raises(CouldNotRun) as refused:
        DaskCluster("tcp://127.0.0.1:1", pretended, jobs=1, connect_s=1)
    assert str(refused.value) == (
        "no Dask scheduler answers at tcp://127.0.0.1:1 (it took too long); "
        "start one with: dask scheduler --port PORT, or use --dask local"
    )


@pytest.mark.campaign
def test_a_scheduler_without_workers_is_one_line(tmp_path: Path) -> None:
    needs_dask()
    with (
        dask_processes(tmp_path, 0) as cluster,
        pytest.raises(CouldNotRun, match="has no workers; on each machine: dask worker"),
    ):
        DaskCluster(cluster.address, pretended, jobs=1, connect_s=5)


@pytest.mark.campaign
def test_a_scheduler_that_does_not_come_back_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs_dask()
    monkeypatch.setattr(dask_cluster, "AGAIN_S", 1.0)
    with dask_processes(tmp_path, 1) as cluster:
        executor: OnDask[int, [int], int] = OnDask(
            squared, DaskCluster(cluster.address, pretended, jobs=1), lambda _: None
        )
        cluster.scheduler.kill()
        cluster.scheduler.wait()
        with pytest.raises(CouldNotRun, match=r"no Dask scheduler answers at .*; what was done is kept"):
            list(each_result(executor, ((number, number) for number in range(60))))


@pytest.mark.parametrize(
    "address", ["local", "tcp://127.0.0.1:8786", "tcp://[::1]:8786", "tls://10.0.0.1:8786"]
)
def test_addresses_that_may_be_used(address: str) -> None:
    assert checked_address(address) == address


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("tcp://10.0.0.1:8786", r"lies beyond this machine and has no TLS.*give tls://10\.0\.0\.1:8786"),
        ("tcp://scheduler:8786", "lies beyond this machine and has no TLS"),
        ("tcp://0.0.0.0:8786", "lies beyond this machine and has no TLS"),
        ("ws://127.0.0.1:8786", "is no address of a Dask scheduler: give local, tcp://HOST:PORT or tls://"),
        ("127.0.0.1:8786", "is no address"),
        ("tcp://127.0.0.1", "is no address"),
        ("tcp://127.0.0.1:port", "is no address"),
        ("", "is no address"),
    ],
)
def test_addresses_that_are_refused(address: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        checked_address(address)


def test_workers_beyond_this_machine_need_tls() -> None:
    workers = ["tcp://127.0.0.1:1", "tls://10.0.0.2:1", "tcp://10.0.0.3:1"]
    assert unprotected(workers) == ["tcp://10.0.0.3:1"]


def wait_for_workers(address: str, number: int) -> None:
    """Wait until the scheduler has this number of workers."""
    import distributed

    with distributed.Client(address, set_as_default=False) as client:
        client.wait_for_workers(number, timeout=60)
