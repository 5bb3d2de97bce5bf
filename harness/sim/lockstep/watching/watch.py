"""Collects what the processes of a run touched, each thing with the event at which it was seen first."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import msgspec

from harness.sim.lockstep.encodings import shown
from harness.sim.lockstep.watching import injected
from harness.sim.lockstep.watching.processes import open_things, thread_count

REPORT, FLAG, BEGUN = "ACKPROOF_WATCH_REPORT", "ACKPROOF_WATCH_FLAG", "begun"
"""As in injected/sitecustomize.py, which a core's Python runs without anything of ours."""
MOST_TOUCHED = 20


class Touch(msgspec.Struct, frozen=True):
    """Something of the real machine that a core touched."""

    what: str
    """In words: `the clock (time.monotonic)`."""
    where: str | None
    """The place in a program in Python; None where it was seen from outside."""
    event: str
    """The event that the core was answering, as errors show it."""

    @property
    def in_words(self) -> str:
        """In one line, without the event."""
        return self.what if self.where is None else f"{self.what} at {self.where}"


class Watch:
    """What all processes of one core touched. Linux alone says what a process has open."""

    def __init__(self) -> None:
        self.touched: list[Touch] = []
        self.is_inside = False
        """Whether a process was seen from inside, which Python alone allows."""
        self.threads = (0, 0)
        """How many threads a process had after its greeting, and at most."""

    def process(self) -> WatchedProcess:
        """Watch one more process, which is still to be started."""
        return WatchedProcess(self)

    def note(self, touch: Touch) -> None:
        """Keep what was not known, up to a bound."""
        known = any((one.what, one.where) == (touch.what, touch.where) for one in self.touched)
        if not known and len(self.touched) < MOST_TOUCHED:
            self.touched.append(touch)


class WatchedProcess:
    """One process of a core. Start it with `environment`, then `begin`, and `look` after each answer."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._folder = tempfile.TemporaryDirectory(prefix="ackproof-watch-")
        self._report, self._flag = (Path(self._folder.name) / name for name in ("report", "flag"))
        self._report.touch()
        self._flag.write_bytes(b"\0")
        self._read = 0
        self._process = 0
        self._before: frozenset[str] = frozenset()

    @property
    def environment(self) -> dict[str, str]:
        """The environment of the process: where a Python finds what it runs at its start."""
        [folder] = injected.__path__
        path = os.pathsep.join(filter(None, (folder, os.environ.get("PYTHONPATH"))))
        return {**os.environ, "PYTHONPATH": path, REPORT: str(self._report), FLAG: str(self._flag)}

    def begin(self, process: int) -> None:
        """The process has been greeted: what it has open by now is no answer to an event."""
        self._process = process
        self._before = open_things(process)
        count = thread_count(process)
        self._watch.threads = (count, max(count, self._watch.threads[1]))
        self._flag.write_bytes(b"\1")

    def look(self, event: bytes) -> None:
        """See what the process touched while it answered this event."""
        for words in sorted(open_things(self._process) - self._before):
            self._watch.note(Touch(words, None, shown(event)))
        first, most = self._watch.threads
        self._watch.threads = (first, max(most, thread_count(self._process)))
        with self._report.open("rb") as file:
            file.seek(self._read)
            text = file.read()
        self._read += len(text)
        for line in text.decode("utf-8", errors="replace").splitlines():
            what, _, where = line.partition("\t")
            if what == BEGUN and not where:
                self._watch.is_inside = True
            else:
                self._watch.note(Touch(what, where or None, shown(event)))

    def close(self) -> None:
        """Remove what the process wrote its report to."""
        self._folder.cleanup()
