"""The folder of one run, and how a recording is read from it, also after a crash.

```
STORE/2026-11-22T201500-registry-7/
    test.json          the format, the Test, versions, and the monotonic clock at time 0; written first
    history.jsonl      the history, line by line as it happened
    history.parquet    the same, once the run was judged
    lives.json         when each node's processes ran and how they ended
    lag.json           how late the harness's own event loop woke
    sizes.json         how much nodes held at the most; of simulated runs alone
    harness.json       what the harness's own process used; proves nothing, so it is not sealed
    evidence.json      the seal: a checksum of each of these files; written last (seal.py)
    results.json       the verdicts
    report.html        the report, for people
    nodes/NAME/        log.txt, trace/, data/, resources/
```

A folder may come from anybody. So it is read with bounds, only regular files in it are, and nothing in it is
written through a link (history/files.py).
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Container, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec

from checkers.check_all import Results
from checkers.lacking import LACKS
from harness.concealing import concealed
from harness.errors import CouldNotRun
from harness.formats import RUN_FORMAT, RUN_KEY, refuse_newer_run
from harness.nemesis.catalogue import kinds_of
from harness.run.commit import commit_here
from harness.run.seal import SealState, add_to_seal, seal, state_of
from harness.run.test import Test, check_bounds, is_name
from harness.systems.secrets import command_without_secrets, without_secrets
from history import (
    HeldSize,
    History,
    NodeLife,
    NodeTrace,
    PolledStatus,
    Recording,
    ResourceSample,
    read_history,
    read_resources,
    read_trace,
    write_parquet,
)
from history.files import RefusedFile, brief, decode_json, is_regular, names_in, read_regular, replace_file
from history.limits import MOST_LOG_BYTES, longest_log
from history.nemesis import read_fault_kinds
from history.recording import ENDED_EARLY, Nanoseconds
from history.stored.store import MOST_BYTES_AT_ONCE, same_operations

T = TypeVar("T")

FAULT_KINDS = "fault_kinds"
"""Where test.json keeps what reports must know of the run's faults."""


class _Facts(msgspec.Struct, frozen=True):
    """What test.json holds besides the test, as far as it is read back."""

    workload: str
    concurrency: int
    nemesis: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    versions: Mapping[str, str | int | float | None] = {}
    monotonic_start_ns: Nanoseconds = 0
    started_at: str = ""


def new_folder(store: Path, what: str) -> Path:
    """Make a new folder under `store`, named by the time and `what`, and point `store/latest` at it.

    Raises:
        CouldNotRun: the store cannot be written.
    """
    stamp = time.strftime("%Y-%m-%dT%H%M%S")
    try:
        for attempt in range(100):
            path = store / f"{stamp}-{what}{f'-{attempt}' if attempt else ''}"
            try:
                path.mkdir(parents=True)
            except FileExistsError:
                continue
            latest = store / "latest"
            if latest.is_symlink() or not latest.exists():
                latest.unlink(missing_ok=True)
                latest.symlink_to(path.name)
            return path
    except OSError as error:
        raise CouldNotRun(
            f"cannot write to the store {store}: {error.strerror}; choose another with --store"
        ) from error
    raise CouldNotRun(f"a hundred folders were made in {store} within this second; wait, and try again")


PASSES = 2
"""The bytes of a sealed run are read once for their checksums, and once for what they say."""


class Sizes(NamedTuple):
    """How many bytes a run has to read."""

    traces: tuple[int, ...]
    """Of each node."""
    history: int
    """As lines, also where there is only Parquet, which takes about a quarter."""
    read: int
    """Bytes that are read in all."""
    is_new: bool
    """Whether the history is there as lines alone: it was not judged yet."""


def _size(path: Path, root: Path) -> int:
    return path.lstat().st_size if is_regular(path, root) else 0


class RunFolder:
    """The paths of one run. Making a new folder never changes an older run."""

    def __init__(self, path: Path) -> None:
        path = path.absolute()  # nodes run in other folders, where a relative path would lead elsewhere
        self.path = path
        self.system_version: str | None = None
        """The version of the program under test, for a new run; None if it is not known."""
        self.seal_state = SealState(is_sealed=False)
        """What the seal showed when the recording was read last."""
        self.test_json = path / "test.json"
        self.history_lines = path / "history.jsonl"
        self.history_parquet = path / "history.parquet"
        self.lives_json = path / "lives.json"
        self.lag_json = path / "lag.json"
        self.sizes_json = path / "sizes.json"
        self.own_use_json = path / "harness.json"
        self.statuses_json = path / "statuses.json"
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
        for name in test.nodes:
            if not is_name(name):
                raise CouldNotRun(f"a node cannot be named {name!r}, as folders are named by it")
        if not is_name(test.workload):
            raise CouldNotRun(f"a workload cannot be named {test.workload!r}, as folders are named by it")
        return cls(new_folder(store, f"{test.workload}-{test.seed}"))

    def write_test(
        self,
        test: Test,
        monotonic_start_ns: int,
        command: Sequence[str],
        promises: Mapping[str, Any] | None = None,
    ) -> None:
        """Store the test, the command, the versions, the clocks at time 0, and what the system gives.

        promises: what checkers must know of the system: what it lacks, and whether a term has one leader.
        """
        facts = {
            RUN_KEY: RUN_FORMAT,
            **test.options(),
            "system_options": without_secrets(test.system_options),
            FAULT_KINDS: kinds_of(test.nemesis),
            "monotonic_start_ns": monotonic_start_ns,
            "started_at": time.strftime("%Y-%m-%d %H:%M:%S %z"),
            "wall_start_ns": time.time_ns() - (time.monotonic_ns() - monotonic_start_ns),
            "command": command_without_secrets(command),
            "commit": commit_here(),
            **(promises or {}),
            "versions": {
                "ackproof": version("ackproof"),
                "python": platform.python_version(),
                "platform": platform.platform(),
                "cpus": os.cpu_count(),
                **({} if self.system_version is None else {test.system: self.system_version}),
            },
        }
        self._write(self.test_json, facts)

    def write_ended_early(self, why: str) -> None:
        """Store why the run's work was not done to its end; it then proves nothing."""
        facts = decode_json(
            read_regular(self.test_json, root=self.path), dict[str, Any], where=self.test_json
        )
        self._write(self.test_json, {**facts, ENDED_EARLY: concealed(why)})

    def write_lives(self, lives: Sequence[NodeLife]) -> None:
        """Store when each process of a node ran, and how it ended."""
        self._write(self.lives_json, list(lives))

    def write_statuses(self, statuses: Sequence[PolledStatus]) -> None:
        """Store what nodes said about themselves when they were asked."""
        self._write(self.statuses_json, list(statuses))

    def write_lag(self, samples: Sequence[tuple[int, int]]) -> None:
        """Store how late the harness was: pairs of time and lag, in nanoseconds."""
        self._write(self.lag_json, list(samples))

    def write_sizes(self, sizes: Sequence[HeldSize]) -> None:
        """Store how much nodes held at the most."""
        self._write(self.sizes_json, list(sizes))

    def write_own_use(self, samples: Sequence[ResourceSample]) -> None:
        """Store what the harness's own process used."""
        self._write(self.own_use_json, list(samples))

    def write_results(self, results: Results) -> None:
        """Store the verdicts of the run."""
        self._write(self.results_json, results)

    def write_report(self, page: str) -> None:
        """Store the report, for people."""
        replace_file(self.report_html, page.encode(), root=self.path)

    def write_parquet(self, history: History) -> None:
        """Store the history once more, as Parquet, if that is not done yet; and seal it with the rest."""
        if is_regular(self.history_parquet, self.path):
            return
        write_parquet(history, self.history_parquet)
        if self.history_lines.name in self.seal_state.intact:
            add_to_seal(self.path, self.history_parquet.name)

    def seal(self) -> None:
        """Seal the evidence: from now on, accidental changes show.

        Raises:
            OSError: the seal cannot be written.
        """
        seal(self.path)

    def _write(self, path: Path, value: Any) -> None:
        data = msgspec.json.format(msgspec.json.encode(value), indent=1)
        replace_file(path, data, root=self.path)

    # ---- reading ---------------------------------------------------------------------------------------

    def sizes(self) -> Sizes:
        """How many bytes there are to read; 0 for what is missing or no regular file."""
        try:
            names = names_in(self.path / "nodes", self.path)
        except (RefusedFile, OSError):
            names = []
        traces = tuple(self._trace_bytes(name) for name in names)
        history = _size(self.history_lines, self.path) or 4 * _size(self.history_parquet, self.path)
        in_all = PASSES * (sum(traces) + _size(self.history_lines, self.path))
        return Sizes(traces, history, in_all, is_new=not _size(self.history_parquet, self.path))

    def recording(self) -> Recording:
        """Everything that the folder holds, for the checkers; and compare it with its seal.

        Raises:
            CouldNotRun: this is not a run's folder, or a file in it cannot be read.
            HistoryError: the history breaks a rule.
            FileNotFoundError: there is no history.
        """
        try:
            return self._recording()
        except RefusedFile as refusal:
            raise CouldNotRun(str(refusal)) from refusal

    def _recording(self) -> Recording:
        stored, nodes = self._test()
        state = self.seal_state = state_of(self.path)
        lives = self._read(self.lives_json, tuple[NodeLife, ...], ())
        history = self._history()
        resources = {
            name: read_resources(self.node(name) / "resources", [life for life in lives if life.node == name])
            for name in nodes
            if self._is_folder(self.node(name) / "resources")
        }
        return Recording(
            nodes=nodes,
            history=history,
            traces={} if "traces" in stored.get(LACKS, ()) else self._traces(nodes, lives, state),
            lives=lives,
            logs={
                name: self.log(name)
                for name in nodes
                if is_regular(self.log(name), self.path) and self.log(name).stat().st_size <= MOST_LOG_BYTES
            },
            options=stored,
            fault_kinds=read_fault_kinds(stored.pop(FAULT_KINDS, ())),
            resources={name: samples for name, samples in resources.items() if samples},
            statuses=self._read(self.statuses_json, tuple[PolledStatus, ...], ()),
            sizes=self._read(self.sizes_json, tuple[HeldSize, ...], ()),
            harness_use=self._read(self.own_use_json, tuple[ResourceSample, ...], ()),
            harness_lag=self._read(self.lag_json, tuple[tuple[Nanoseconds, Nanoseconds], ...], ()),
        )

    def _test(self) -> tuple[dict[str, Any], tuple[str, ...]]:
        """What test.json holds, once its format, types and bounds are checked; and the nodes."""
        path = self.test_json
        try:
            stored = decode_json(read_regular(path, root=self.path), dict[str, Any], where=path)
        except FileNotFoundError as error:
            raise CouldNotRun(f"{self.path} is not a run's folder: it has no test.json") from error
        refuse_newer_run(path, stored)
        stored.pop(RUN_KEY, None)
        try:
            test = msgspec.convert(stored, Test)
            msgspec.convert(stored, _Facts)
            check_bounds(test)
        except ValueError as error:  # msgspec's, too
            raise CouldNotRun(f"{path} cannot be read: {brief(error)}") from error
        return stored, test.nodes

    def _history(self) -> History:
        """The history, from whichever form is there; where both are, they are compared unless both are sealed
        and unchanged. Then a long one is read from its lines, as that takes less memory."""
        lines, parquet = self.history_lines, self.history_parquet
        has_lines, has_parquet = (is_regular(path, self.path) for path in (lines, parquet))
        for path in (lines, parquet):
            if path.is_symlink() or (path.exists() and not is_regular(path, self.path)):
                raise RefusedFile(path, "not a regular file")
        if not has_lines and not has_parquet:
            raise FileNotFoundError(f"{self.path} holds neither {parquet.name} nor {lines.name}")
        are_sealed = {lines.name, parquet.name} <= self.seal_state.intact
        is_long = has_lines and lines.stat().st_size > MOST_BYTES_AT_ONCE
        if has_parquet and (not has_lines or (are_sealed and not is_long)):
            return read_history(parquet)
        history = read_history(lines)
        if has_parquet and not are_sealed and not same_operations(history, read_history(parquet)):
            differs = f"{parquet.name} differs from {lines.name}"
            changed = tuple(dict.fromkeys((*self.seal_state.changed, differs)))
            self.seal_state = msgspec.structs.replace(self.seal_state, changed=changed)
        return history

    def _traces(
        self, nodes: Sequence[str], lives: Sequence[NodeLife], state: SealState
    ) -> dict[str, NodeTrace]:
        longest = longest_log(sum(self._trace_bytes(name) for name in nodes))
        return {
            name: read_trace(
                self.trace(name),
                name,
                ended=self._ended(name, lives, state),
                last_life=self._last_life(name, lives, state),
                root=self.path,
                longest=longest,
            )
            for name in nodes
        }

    def _trace_bytes(self, node: str) -> int:
        try:
            names = names_in(self.trace(node), self.path)
        except (RefusedFile, OSError):
            return 0
        return sum((self.trace(node) / name).lstat().st_size for name in names)

    def _ended(self, node: str, lives: Sequence[NodeLife], state: SealState) -> Container[int]:
        """The lives whose traces are complete: the harness saw their end, and left the files as they are."""
        if self.lives_json.name not in state.intact:
            return ()
        own = [life for life in lives if life.node == node]
        lost = {life.life for life in own if not life.was_seen_to_end}
        return {
            life.life
            for life in own
            if life.life not in lost and f"nodes/{node}/trace/{life.life:04}.jsonl" in state.intact
        }

    def _last_life(self, node: str, lives: Sequence[NodeLife], state: SealState) -> int:
        """The last life of which there must be a trace. Where the seal does not say it, a life that ended
        before it began its trace looks like one whose trace is lost."""
        own = [life for life in lives if life.node == node]
        if state.is_sealed and state.problem is None:
            last = state.traced.get(node, 0)
            return max([last, *(life.life for life in own if not life.was_seen_to_end)])
        return max((life.life for life in own), default=0)

    def _is_folder(self, path: Path) -> bool:
        try:
            return bool(names_in(path, self.path))
        except (RefusedFile, OSError):
            return False

    def _read(self, path: Path, type_: type[T], absent: T) -> T:
        try:
            return decode_json(read_regular(path, root=self.path), type_, where=path)
        except FileNotFoundError:
            return absent  # the harness ended before it wrote this; checkers say `unknown` where they need it
