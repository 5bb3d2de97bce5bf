"""A real Dask scheduler and real workers, as processes of a test's own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def needs_dask() -> None:
    """Skip where Dask is not installed."""
    pytest.importorskip("distributed", reason="Dask is not installed: pip install 'ackproof[dask]'")


class DaskProcesses:
    """Starts and kills the processes of one cluster. What is started is awaited: a worker that finds no
    scheduler asks again after longer and longer times, so one that is started too early comes late."""

    def __init__(self, logs: Path, environment: Mapping[str, str] | None = None, scheme: str = "tcp") -> None:
        self._scheme = scheme
        self._logs = logs
        self._port = 0
        """Zero until the first scheduler has chosen a port, which is then that of all."""
        self._environment = {**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})}
        self._restarting: threading.Thread | None = None
        self.workers: list[subprocess.Popen[bytes]] = []
        self.scheduler = self.start_scheduler()

    @property
    def address(self) -> str:
        """Where the scheduler listens."""
        return f"{self._scheme}://127.0.0.1:{self._port}"

    def start_scheduler(self) -> subprocess.Popen[bytes]:
        """Start the scheduler, at the same address each time; it listens when this returns."""
        file = self._logs / "scheduler.json"
        file.unlink(missing_ok=True)
        where = ("--port", str(self._port), "--protocol", self._scheme, "--scheduler-file", str(file))
        self.scheduler = self._start("scheduler", "scheduler.log", *where)
        _await(self.scheduler, lambda: file.exists() and file.read_text().endswith("}"))
        self._port = int(json.loads(file.read_text())["address"].rpartition(":")[2])
        return self.scheduler

    def start_worker(self, environment: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        """Start a worker, of one thread, in one process; the scheduler knows it when this returns."""
        log = f"worker-{len(self.workers)}.log"
        worker = self._start(
            "worker", log, self.address, "--nthreads", "1", "--no-nanny", environment=environment
        )
        self.workers.append(worker)
        _await(worker, lambda: "Registered to:" in (self._logs / log).read_text())
        return worker

    def restart(self) -> None:
        """Kill the scheduler, and with it its workers. Another one and two workers are started in a thread of
        their own, so that those who use the cluster see it gone."""
        self.scheduler.kill()
        self.scheduler.wait()
        self._restarting = threading.Thread(target=self._start_all_again)
        self._restarting.start()

    def _start_all_again(self) -> None:
        self.start_scheduler()
        self.start_worker()
        self.start_worker()

    def close(self) -> None:
        """Kill all that was started."""
        if self._restarting is not None:
            self._restarting.join()
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()

    def _start(
        self, kind: str, log: str, *arguments: str, environment: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        with (self._logs / log).open("ab") as file:
            module = ["-m", f"distributed.cli.dask_{kind}", "--no-dashboard", "--host", "127.0.0.1"]
            return subprocess.Popen(
                [sys.executable, *module, *arguments],
                env={**self._environment, **(environment or {})},
                cwd=self._logs,
                stdout=file,
                stderr=file,
            )


def _await(process: subprocess.Popen[bytes], is_up: Callable[[], bool]) -> None:
    """Wait until a process is up; fail if it ends, or after two minutes."""
    until = time.monotonic() + 120
    while not is_up():
        assert process.poll() is None, f"it ended with {process.returncode}"
        assert time.monotonic() < until, "it is not up after two minutes"
        time.sleep(0.05)  # another process, which says that it is up in a file


@contextmanager
def dask_processes(logs: Path, workers: int, **settings: object) -> Iterator[DaskProcesses]:
    """A scheduler and its workers."""
    cluster = DaskProcesses(logs, **settings)  # type: ignore[arg-type]
    try:
        for _ in range(workers):
            cluster.start_worker()
        yield cluster
    finally:
        cluster.close()
