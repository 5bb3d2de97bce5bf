"""Reading a stored run from Python: what `ackproof.load` and `ackproof.frame` do."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from checkers.check_all import Results
from checkers.verdict import Validity, Verdict
from harness.errors import CouldNotRun
from harness.recording.folder import RecordedFolder, plain
from harness.run.folder import RunFolder
from history import History, Recording
from history.files import RefusedFile, decode_json, is_regular, read_regular
from history.views.frame import frame as frame_of

if TYPE_CHECKING:
    import pandas as pd


class StoredRun:
    """The folder of a run, a simulated run or a recording. What it holds is read when it is first used.

    Any folder can be read, also one that a kill cut short or that somebody else made: what is damaged is
    refused in words, and nothing in it is executed.
    """

    folder: Path
    """The folder itself."""

    def __init__(self, folder: Path) -> None:
        self._run = RunFolder(folder)
        self.folder = self._run.path

    def __repr__(self) -> str:
        return f"StoredRun({str(self.folder)!r})"

    @cached_property
    def recording(self) -> Recording:
        """Everything that was recorded, as checkers see it.

        Raises:
            CouldNotRun: a file of the folder cannot be read.
            HistoryError: the history breaks a rule.
            FileNotFoundError: there is no history.
        """
        if not RecordedFolder.is_one(self.folder):
            return self._run.recording()
        recorded = RecordedFolder(self.folder)
        return Recording(nodes=(), history=recorded.history(), options=plain(recorded.facts()))

    @cached_property
    def history(self) -> pd.DataFrame:
        """The operations of clients and of the nemesis, one a row; docs/library.md lists the columns."""
        return frame(self.recording)

    @cached_property
    def faults(self) -> pd.DataFrame:
        """The periods in which something was broken, one a row; docs/library.md lists the columns."""
        import pandas as pd  # here, since it takes some tenths of a second

        from reports.faults import fault_periods
        from reports.spans import Spans, end_of_run

        history = self.recording.history
        periods = fault_periods(Spans.of(history).nemesis(), end_of_run(history), self.recording.fault_kinds)
        rows = [
            (one.kind, one.label, one.nodes, one.begin, one.end, one.healed, one.operation) for one in periods
        ]
        columns = ["fault", "label", "nodes", "begun_ns", "ended_ns", "healed", "operation"]
        return pd.DataFrame(rows, columns=columns)

    @cached_property
    def results(self) -> Results | None:
        """All verdicts, as `results.json` holds them; None if the run was not judged yet.

        Raises:
            CouldNotRun: the file cannot be read.
        """
        path = self._run.results_json
        try:
            return decode_json(read_regular(path, root=self.folder), Results, where=path)
        except FileNotFoundError:
            return None
        except RefusedFile as refusal:
            raise CouldNotRun(str(refusal)) from refusal

    @property
    def validity(self) -> Validity | None:
        """The one verdict on the run; None if it was not judged yet."""
        return None if self.results is None else self.results.validity

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """The verdict of each checker; empty if the run was not judged yet."""
        return () if self.results is None else self.results.verdicts

    @property
    def options(self) -> Mapping[str, Any]:
        """What was run, as test.json holds it: the workload, the nodes, the versions, ..."""
        return self.recording.options

    @property
    def seed(self) -> int | None:
        """The seed of the run; None for a recording."""
        seed = self.options.get("seed")
        return seed if isinstance(seed, int) else None

    @property
    def report(self) -> Path | None:
        """The report, for a browser; None if the run was not judged yet."""
        return self._run.report_html if is_regular(self._run.report_html, self.folder) else None


def load(path: str | Path) -> StoredRun:
    """Open the folder of a run, of a simulated run, or of a recording.

    Args:
        path: the folder, such as `store/latest`.

    Raises:
        FileNotFoundError: there is no such folder.
        CouldNotRun: it is the folder of neither a run nor a recording.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder {folder}; `ackproof run` makes store/latest")
    folder = folder.resolve()
    if not RecordedFolder.is_one(folder) and not is_regular(RunFolder(folder).test_json, folder):
        raise CouldNotRun(
            f"{folder} is the folder of neither a run nor a recording; read a file with "
            "`ackproof.read_history`"
        )
    return StoredRun(folder)


def frame(history: History | Recording) -> pd.DataFrame:
    """A history as a pandas DataFrame, one row an operation; docs/library.md lists the columns.

    Args:
        history: a history, or a recording, whose nemesis operations are then shown with their faults.
    """
    if isinstance(history, Recording):
        return frame_of(history.history, kinds=history.fault_kinds)
    return frame_of(history)
