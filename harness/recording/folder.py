"""The folder of one recording: what is judged in it, and how it is read again, also after a crash.

```
STORE/2026-11-28T131500-recorded-register/
    recording.json     what was asked, versions, the clock at time 0; written first
    history.jsonl      the history, line by line as it happened
    history.parquet    the same, once it was judged
    refused.jsonl      the requests that were refused, if any were (refusals.py)
    evidence.json      the seal, if the recording came to its end (harness/run/seal.py)
    results.json       the verdict
    report.html        the report, for people
```

What a run's folder and this one have in common is done by `RunFolder`.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import msgspec

from harness.errors import CouldNotRun
from harness.formats import newer
from harness.recording.protocol import PROTOCOL
from harness.run.folder import RunFolder, new_folder
from harness.run.seal import state_of
from harness.run.test import is_name
from history import History, read_history
from history.files import RefusedFile, decode_json, is_regular, read_regular, replace_file

RECORDING: Final = "recording.json"


class Asked(msgspec.Struct, frozen=True):
    """What a recording is judged for; see `ackproof check`."""

    model: str
    consistency: str | None = None
    options: Mapping[str, str] = {}


class RecordingFacts(msgspec.Struct, frozen=True):
    """What `recording.json` holds."""

    ackproof_recording: int
    """The version of the protocol."""
    asked: Asked
    started_at: str
    monotonic_start_ns: int
    command: tuple[str, ...] = ()
    address: str | None = None
    """Where it listened for HTTP; None if requests came by standard input."""
    versions: Mapping[str, str | int | None] = {}


class RecordedFolder:
    """The paths of one recording, and what is read from them."""

    def __init__(self, path: Path) -> None:
        self.run = RunFolder(path)
        self.path = self.run.path

    @staticmethod
    def is_one(path: Path) -> bool:
        """Whether a folder is that of a recording."""
        return is_regular(path.absolute() / RECORDING, path.absolute())

    @classmethod
    def create(cls, store: Path, asked: Asked, command: Sequence[str], address: str | None) -> RecordedFolder:
        """Make a new folder under `store`, and point `store/latest` at it.

        Raises:
            CouldNotRun: the store cannot be written.
        """
        what = f"recorded-{asked.model}"
        assert is_name(what)
        folder = cls(new_folder(store, what))
        folder._write_facts(asked, command, address)
        return folder

    def _write_facts(self, asked: Asked, command: Sequence[str], address: str | None) -> None:
        facts = RecordingFacts(
            PROTOCOL,
            asked,
            time.strftime("%Y-%m-%d %H:%M:%S %z"),
            time.monotonic_ns(),
            tuple(command),
            address,
            {
                "ackproof": version("ackproof"),
                "python": platform.python_version(),
                "platform": platform.platform(),
                "cpus": os.cpu_count(),
            },
        )
        data = msgspec.json.format(msgspec.json.encode(facts), indent=1)
        replace_file(self.path / RECORDING, data, root=self.path)

    def facts(self) -> RecordingFacts:
        """What the folder says of itself.

        Raises:
            CouldNotRun: it is not the folder of a recording, or of another version.
        """
        path = self.path / RECORDING
        try:
            found = decode_json(read_regular(path, root=self.path), RecordingFacts, where=path)
        except FileNotFoundError as error:
            raise CouldNotRun(
                f"{self.path} is not the folder of a recording: it has no {RECORDING}"
            ) from error
        except RefusedFile as refusal:
            raise CouldNotRun(str(refusal)) from refusal
        if found.ackproof_recording != PROTOCOL:
            of_other = f"of version {found.ackproof_recording}; this ackproof reads version {PROTOCOL}"
            raise CouldNotRun(f"{path}: {newer(found.ackproof_recording, PROTOCOL, 'version') or of_other}")
        return found

    def history(self) -> History:
        """The history, and compare the folder with its seal (`run.seal_state`).

        Raises:
            CouldNotRun: there is none, or it is no regular file.
            HistoryError: the history breaks a rule.
        """
        self.run.seal_state = state_of(self.path)
        for path in (self.run.history_lines, self.run.history_parquet):
            if is_regular(path, self.path):
                return read_history(path)
        raise CouldNotRun(f"{self.path} holds no history that is a regular file")


def plain(facts: RecordingFacts) -> dict[str, Any]:
    """What was asked, as the options of a report."""
    found: dict[str, Any] = {"model": facts.asked.model}
    if facts.asked.consistency is not None:
        found["consistency"] = facts.asked.consistency
    return {**found, **facts.asked.options, "address": facts.address or "standard input"}
