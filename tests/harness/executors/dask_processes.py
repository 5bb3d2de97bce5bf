"""A real Dask scheduler and real workers, as processes of a test's own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def needs_dask() -> None:
    """Skip where Dask is not installed."""
    pytest.importorskip("distributed", reason="Dask is not installed: pip install 'ackproof[dask]'")


class DaskProcesses:
    """Starts and kills the processes of one cluster."""

    def __init__(self, logs: Path, environment: Mapping[str, str] | None = None, scheme: str = "tcp") -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.address = f"{scheme}://127.0.0.1:{self.port}"
        self._scheme = scheme
        self._logs = logs
        self._environment = {**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})}
        self.scheduler = self.start_scheduler()
        self.workers: list[subprocess.Popen[bytes]] = []

    def start_scheduler(self) -> subprocess.Popen[bytes]:
        """Start the scheduler, at the same address each time."""
        self.scheduler = self._start("scheduler", "--port", str(self.port), "--protocol", self._scheme)
        return self.scheduler

    def start_worker(self, environment: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        """Start a worker, of one thread, in one process."""
        worker = self._start("worker", self.address, "--nthreads", "1", "--no-nanny", environment=environment)
        self.workers.append(worker)
        return worker

    def close(self) -> None:
        """Kill all that was started."""
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()

    def _start(
        self, kind: str, *arguments: str, environment: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        with (self._logs / f"{kind}.log").open("ab") as log:
            module = ["-m", f"distributed.cli.dask_{kind}", "--no-dashboard", "--host", "127.0.0.1"]
            return subprocess.Popen(
                [sys.executable, *module, *arguments],
                env={**self._environment, **(environment or {})},
                cwd=self._logs,
                stdout=log,
                stderr=log,
            )


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
