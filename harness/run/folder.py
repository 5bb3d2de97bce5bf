"""The folder of one run, and how a recording is read from it, also after a crash.

```
STORE/2026-11-22T201500-registry-7/
    test.json          the Test, versions, and the monotonic clock at time 0; written first
    history.jsonl      the history, line by line as it happened
    history.parquet    the same, once the run is over
    lives.json         when each node's processes ran and how they ended
    lag.json           how late the harness's own event loop woke
    results.json       the verdicts
    report.html        the report, for people
    nodes/NAME/        log.txt, trace/, data/, resources/
```
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec

from checkers.verdict import Validity, Verdict
from harness.errors import CouldNotRun
from harness.nemesis.catalogue import kinds_of
from harness.run.test import Test
from history import NodeLife, Recording, read_history, read_resources, read_trace
from history.nemesis import read_fault_kinds

FAULT_KINDS = "fault_kinds"
"""Where test.json keeps what reports must know of the run's faults."""


class Results(msgspec.Struct, frozen=True):
    """The verdicts of a run, as `results.json` holds them."""

    validity: Validity
    verdicts: tuple[Verdict, ...]


class RunFolder:
    """The paths of one run. Making a new folder never changes an older run."""

    def __init__(self, path: Path) -> None:
        path = path.absolute()  # nodes run in other folders, where a relative path would lead elsewhere
        self.path = path
        self.test_json = path / "test.json"
        self.history_lines = path / "history.jsonl"
        self.history_parquet = path / "history.parquet"
        self.lives_json = path / "lives.json"
        self.lag_json = path / "lag.json"
        self.results_json = path / "results.json"
        self.report_html = path / "report.html"

    def node(self, name: str) -> Path:
        """The folder of one node."""
        return self.path / "nodes" / name

    def trace(self, name: str) -> Path:
        """The folder of a node's trace, one file for each life."""
        return self.node(name) / "trace"

    def data(self, name: str) -> Path:
        """The folder that a node keeps on its disk."""
        return self.node(name) / "data"

    def log(self, name: str) -> Path:
        """The log of a node: what its processes printed."""
        return self.node(name) / "log.txt"

    @classmethod
    def create(cls, store: Path, test: Test) -> RunFolder:
        """Make a new folder under `store`, and point `store/latest` at it.

        Raises:
            CouldNotRun: the store cannot be written.
        """
        stamp = time.strftime("%Y-%m-%dT%H%M%S")
        try:
            for attempt in range(100):
                suffix = f"-{attempt}" if attempt else ""
                path = store / f"{stamp}-{test.workload}-{test.seed}{suffix}"
                try:
                    path.mkdir(parents=True)
                except FileExistsError:
                    continue
                latest = store / "latest"
                if latest.is_symlink() or not latest.exists():
                    latest.unlink(missing_ok=True)
                    latest.symlink_to(path.name)
                return cls(path)
        except OSError as error:
            raise CouldNotRun(
                f"cannot write to the store {store}: {error.strerror}; choose another with --store"
            ) from error
        raise CouldNotRun(f"a hundred runs began in {store} within this second; wait, and try again")

    def write_test(self, test: Test, monotonic_start_ns: int, command: Sequence[str]) -> None:
        """Store the test, the command, the versions, and the clock at time 0."""
        facts = {
            **test.options(),
            FAULT_KINDS: kinds_of(test.nemesis),
            "monotonic_start_ns": monotonic_start_ns,
            "started_at": time.strftime("%Y-%m-%d %H:%M:%S %z"),
            "command": list(command),
            "versions": {
                "ackproof": version("ackproof"),
                "python": platform.python_version(),
                "platform": platform.platform(),
                "cpus": os.cpu_count(),
            },
        }
        self._write(self.test_json, facts)

    def write_lives(self, lives: Sequence[NodeLife]) -> None:
        """Store when each process of a node ran, and how it ended."""
        self._write(self.lives_json, list(lives))

    def write_lag(self, samples: Sequence[tuple[int, int]]) -> None:
        """Store how late the harness was: pairs of time and lag, in nanoseconds."""
        self._write(self.lag_json, list(samples))

    def write_results(self, results: Results) -> None:
        """Store the verdicts of the run."""
        self._write(self.results_json, results)

    def _write(self, path: Path, value: Any) -> None:
        unfinished = path.with_name(path.name + ".unfinished")
        unfinished.write_bytes(msgspec.json.format(msgspec.json.encode(value), indent=1))
        unfinished.replace(path)

    def recording(self) -> Recording:
        """Everything that the folder holds, for the checkers.

        Raises:
            CouldNotRun: this is not a run's folder, or test.json cannot be read.
            HistoryError: the history breaks a rule.
            FileNotFoundError: there is no history.
        """
        try:
            stored: dict[str, Any] = msgspec.json.decode(self.test_json.read_bytes())
            nodes = tuple(stored["nodes"])
            kinds = read_fault_kinds(stored.pop(FAULT_KINDS, ()))
        except FileNotFoundError as error:
            raise CouldNotRun(f"{self.path} is not a run's folder: it has no test.json") from error
        except (msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
            raise CouldNotRun(f"{self.test_json} cannot be read: {error}") from error
        logs = {name: self.log(name) for name in nodes}
        lives = self._read(self.lives_json, tuple[NodeLife, ...], ())
        resources = {
            name: read_resources(self.node(name) / "resources", [life for life in lives if life.node == name])
            for name in nodes
        }
        return Recording(
            nodes=nodes,
            history=read_history(self.path),
            traces={name: read_trace(self.trace(name), name) for name in nodes},
            lives=lives,
            logs={name: path for name, path in logs.items() if path.exists()},
            options=stored,
            fault_kinds=kinds,
            resources={name: samples for name, samples in resources.items() if samples},
            harness_lag=self._read(self.lag_json, tuple[tuple[int, int], ...], ()),
        )

    def _read(self, path: Path, type_: Any, absent: Any) -> Any:
        try:
            return msgspec.json.decode(path.read_bytes(), type=type_)
        except FileNotFoundError:
            return absent  # the harness ended before it wrote this; checkers say `unknown` where they need it
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise CouldNotRun(f"{path} cannot be read: {error}") from error
