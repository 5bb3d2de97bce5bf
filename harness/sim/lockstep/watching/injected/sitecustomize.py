"""Python runs this at its start where the folder is on its path: it reports what the program then touches.

It is run by whatever Python the core is written for, and imports nothing of ours. What is reported begins
with the first event, which a byte in a file says: what a program does before that is no answer. Each line of
the report is what was touched, and the place in the program.
"""

from __future__ import annotations

import mmap
import os
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import suppress
from types import BuiltinFunctionType, FrameType
from typing import Any

REPORT, FLAG = "ACKPROOF_WATCH_REPORT", "ACKPROOF_WATCH_FLAG"
BEGUN = "begun"
"""The first line of the report: the program is seen from inside."""
HERE = os.path.dirname(os.path.abspath(__file__))
LIBRARY = os.path.realpath(sysconfig.get_path("stdlib"))

CALLS = {
    **{
        ("time", name): f"the clock (time.{name})"
        for one in ("time", "monotonic", "perf_counter", "process_time", "thread_time", "clock_gettime")
        for name in (one, f"{one}_ns")
    },
    ("time", "sleep"): "the clock (time.sleep)",
    ("posix", "urandom"): "random numbers of the machine (os.urandom)",
    ("posix", "getrandom"): "random numbers of the machine (os.getrandom)",
    ("_thread", "start_new_thread"): "a thread (start_new_thread)",
    ("_thread", "start_joinable_thread"): "a thread (start_joinable_thread)",
    ("_signal", "setitimer"): "a timer of the machine (signal.setitimer)",
    ("_signal", "alarm"): "a timer of the machine (signal.alarm)",
}
"""By module and name of a function that is not written in Python: what it touches. `time.localtime` and its
like are left out: whether they are given a time cannot be seen."""
OF_DATES = {"datetime.now": "datetime.now", "datetime.utcnow": "datetime.utcnow", "date.today": "date.today"}
AUDITED = {
    "open": "a file",
    "os.listdir": "a folder",
    "os.scandir": "a folder",
    "os.remove": "a file",
    "os.rename": "a file",
    "os.mkdir": "a folder",
    "socket.__new__": "a socket",
    "socket.connect": "a socket",
    "socket.bind": "a socket",
    "socket.getaddrinfo": "names of the network",
    "subprocess.Popen": "a process",
    "os.fork": "a process",
    "os.posix_spawn": "a process",
    "os.system": "a process",
    "os.exec": "a process",
}


class Watcher:
    """Sees calls and audited events of this process, and reports each place once."""

    def __init__(self, report: int, flag: mmap.mmap) -> None:
        self._report, self._flag = report, flag
        self._known: set[str] = set()
        self._is_seeded = False

    def begin(self) -> None:
        """See everything from now on."""
        os.write(self._report, f"{BEGUN}\n".encode())
        sys.addaudithook(self._audited)
        sys.setprofile(self._called)

    def _called(self, frame: FrameType, kind: str, function: Any) -> None:
        if kind != "c_call" or not isinstance(function, BuiltinFunctionType):
            return
        name = function.__qualname__
        if name == "Random.seed":
            self._seeded(frame, function)
        if not self._flag[0]:
            return
        what = CALLS.get((function.__module__ or "", name))
        if what is None and name in OF_DATES:
            what = f"the clock ({OF_DATES[name]})"
        if what is None and name.startswith("Random.") and not self._is_seeded and _is_shared(function):
            what = "random numbers that nothing of the event seeds (random)"
        if what is not None:
            self._note(what, frame)

    def _seeded(self, frame: FrameType, function: Any) -> None:
        """Whether the seed is the program's, not one of the machine."""
        is_given = frame.f_locals.get("a") is not None
        if _is_shared(function):
            self._is_seeded = is_given
        if not is_given and self._flag[0]:
            self._note("random numbers of the machine (random, without a seed)", frame)

    def _audited(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event not in AUDITED or not self._flag[0]:
            return
        about = arguments[0] if arguments else None
        if event == "open" and isinstance(about, int):
            return  # a descriptor that is there already
        frame: FrameType | None = sys._getframe(1)
        # Reading a module is Python's own work: the same files at each start, whatever the core decides.
        if frame is None or any("importlib" in one.f_code.co_filename for one in _stack(frame)):
            return
        named = f" {os.fsdecode(about)!r}" if isinstance(about, (str, bytes)) else ""
        self._note(f"{AUDITED[event]}{named} ({event})", frame)

    def _note(self, what: str, frame: FrameType) -> None:
        line = f"{what}\t{_place(frame)}".replace("\n", " ")
        if line not in self._known:
            self._known.add(line)
            os.write(self._report, f"{line}\n".encode("utf-8", "replace"))


def _is_shared(function: Any) -> bool:
    """Whether it belongs to the random numbers that all of a process share."""
    module = sys.modules.get("random")
    return module is not None and function.__self__ is getattr(module, "_inst", None)


def _stack(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _place(frame: FrameType) -> str:
    """The innermost line that is not of Python's own library."""
    for one in _stack(frame):
        file = one.f_code.co_filename
        if not file.startswith("<") and not os.path.realpath(file).startswith((LIBRARY + os.sep, HERE)):
            return f"{os.path.basename(file)} line {one.f_lineno}"
    return "Python's own library"


def _leave() -> None:
    """Take our folder away again, and let the program have a module of this name of its own."""
    sys.path[:] = [path for path in sys.path if os.path.abspath(path or ".") != HERE]
    before = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    others = os.pathsep.join(path for path in before if path and os.path.abspath(path) != HERE)
    if others:
        os.environ["PYTHONPATH"] = others
    else:
        os.environ.pop("PYTHONPATH", None)
    sys.modules.pop("sitecustomize", None)
    with suppress(ImportError):
        import sitecustomize  # type: ignore[import-not-found]  # noqa: F401 - the program's own, if any


def _watched() -> None:
    report, flag = os.environ.pop(REPORT, None), os.environ.pop(FLAG, None)
    if report is None or flag is None:
        return
    with open(flag, "rb") as file:
        begun = mmap.mmap(file.fileno(), 1, access=mmap.ACCESS_READ)
    _leave()
    Watcher(os.open(report, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC), begun).begin()


_watched()
