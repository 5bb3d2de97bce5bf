"""A program that gives a node's processes a clock of their own by libfaketime, and sets its rate.

Run on the node's host as `python -c SOURCE WHAT ...`, so it is one file of the standard library (Linux,
Python 3.9). It prints one JSON object that says what it found and did.

`make NAME`       makes the shared memory in which libfaketime looks up when a process's clock began: now
`remove NAME`     removes it
`probe NAME FILE LIBRARY`
                  whether that library begins a clock where it should, at the rate that it should
`rate FILE BEGAN OFFSET FROM TO`
                  changes the rate of a clock that began at BEGAN and runs at FROM percent, OFFSET ahead at
                  its beginning, to TO percent; BEGAN is CLOCK_MONOTONIC's, and both are nanoseconds

**How a rate is changed without a leap.** For either clock libfaketime shows B + O + R (now - B'): B and B'
are what CLOCK_REALTIME and the clock in question showed at the beginning, O and R are read from FILE at
every look. So a new R comes with the O that makes both lines meet, at an instant T. A process takes the new
line a moment after it was computed, and perhaps for a reading that it began before. A clock that becomes
slower must not have met before, and one that becomes faster must have met then, or they would go back;
hence T is `APART_NS` later for the one, and earlier for the other. So a clock leaps forwards, by at most
APART_NS times the change of its rate (4 ms from 0.8 to 1.2). It goes back, by the change of its rate times
the excess, where this program is held up by more than APART_NS while it renames, which `back_ns` shows, or
a reader while it reads, which cannot be known. Under two threads that read the clock all the time on a busy
machine that was 3 ms at the most.

By default each process would begin a clock at its own start, which no other process knows to the millisecond,
and would leave its shared memory behind, in /dev/shm, when it ends.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import struct
import subprocess
import sys
import time
from pathlib import Path

SOURCE = Path(__file__).read_text(encoding="utf-8") if "__file__" in globals() else ""
SHARED = "/dev/shm"  # noqa: S108 - where shm_open(3) and sem_open(3) of glibc look
PREFIXES = ("", "sem.")
ROOM_BYTES = 4096
MANY = 1000
"""The count of the semaphore, which guards nothing: a process that is killed while it holds the semaphore
must not block others."""
UNFINISHED = ".unfinished"
APART_NS = 10_000_000
PROBED_S = 100
PROBED_RATE = 2
TOLERANCE_S = 5.0
NANO = 1_000_000_000


def main(what: str, *given: str) -> dict[str, object]:
    """Do what the arguments say, as the module explains; the answer."""
    if what == "make":
        began = make(given[0])
        give_to_login(given[0])
        return {"began": began}
    if what == "remove":
        remove(given[0])
        return {}
    if what == "probe":
        return {"problem": probe(*given)}
    return set_rate(given[0], *map(int, given[1:]))


def make(name: str, ago_s: int = 0) -> int:
    """Make the shared memory as libfaketime's `ft_shared_s` has it; CLOCK_MONOTONIC at the beginning."""
    remove(name)
    clocks = (time.CLOCK_REALTIME, time.CLOCK_MONOTONIC, time.CLOCK_MONOTONIC_RAW, time.CLOCK_BOOTTIME)
    began = [time.clock_gettime_ns(clock) - ago_s * NANO for clock in clocks]
    content = struct.pack("=QQ", 0, 0) + b"".join(struct.pack("@ll", *divmod(at, NANO)) for at in began)
    semaphore = ctypes.CDLL(None, use_errno=True).sem_open
    semaphore.restype = ctypes.c_void_p
    if not semaphore(f"/{name}".encode(), os.O_CREAT | os.O_EXCL, 0o600, MANY):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), f"semaphore {name}")
    file = os.open(os.path.join(SHARED, name), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    os.write(file, content.ljust(ROOM_BYTES, b"\0"))
    os.close(file)
    return began[1]


def give_to_login(name: str) -> None:
    """Give the memory to the user that logged in: under sudo nodes run as that user."""
    if os.geteuid() == 0 and "SUDO_UID" in os.environ:
        for path in paths(name):
            os.chown(path, int(os.environ["SUDO_UID"]), int(os.environ["SUDO_GID"]))


def remove(name: str) -> None:
    """Remove the shared memory; no error if it is not there."""
    for path in paths(name):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)


def paths(name: str) -> list[str]:
    """The paths of the shared memory and of the semaphore that libfaketime needs with it."""
    return [os.path.join(SHARED, prefix + name) for prefix in PREFIXES]


def probe(name: str, file: str, library: str) -> str | None:
    """What a process shows whose clock began a while ago and runs twice as fast; why not, if it does not."""
    prepare(file, 0, 100 * PROBED_RATE)
    os.rename(file + UNFINISHED, file)
    made = make(name, PROBED_S)
    expected = time.time() - PROBED_S + PROBED_RATE * (time.monotonic() - made / NANO)
    environment = {**os.environ, **environment_of(name, file, library, drifts=True)}
    shown = subprocess.run(
        [sys.executable, "-I", "-S", "-c", "import time; print(time.monotonic())"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    remove(name)
    if shown.returncode:
        return shown.stderr.strip() or f"a process with {library} ended with status {shown.returncode}"
    off_s = float(shown.stdout) - expected
    if abs(off_s) > TOLERANCE_S:
        return f"{library} does not let a clock begin where it should: the clock was {off_s:.0f} s off"
    return None


def environment_of(name: str, file: str, library: str, *, drifts: bool) -> dict[str, str]:
    """The variables that a process with such a clock needs; drifts: its monotonic clock is its own, too."""
    own = {"FAKETIME_FORCE_MONOTONIC_FIX": "1"}
    real = {"FAKETIME_DONT_FAKE_MONOTONIC": "1", "FAKETIME_FORCE_MONOTONIC_FIX": "0"}
    return {
        "LD_PRELOAD": library,
        "FAKETIME_TIMESTAMP_FILE": file,
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_SHARED": f"/{name} /{name}",
        **(own if drifts else real),
    }


def set_rate(file: str, began: int, offset: int, before: int, after: int) -> dict[str, object]:
    """Change the rate; the new offset, and how far the clock may have gone back at the most."""
    becomes_slower = after < before
    while True:
        meet = time.monotonic_ns() + (APART_NS if becomes_slower else -APART_NS)
        met = offset + (before - after) * (meet - began) // 100
        prepare(file, met, after)
        if not becomes_slower or time.monotonic_ns() < meet:
            break  # else it was held up: compute again
    os.rename(file + UNFINISHED, file)
    late = max(0, time.monotonic_ns() - meet) if becomes_slower else 0
    return {"offset": met, "back_ns": late * (before - after) // 100}


def prepare(file: str, offset: int, percent: int) -> None:
    """Write a file that is then renamed into place, since the node may read at any time."""
    with open(file + UNFINISHED, "w") as unfinished:
        unfinished.write(f"{offset / NANO:+.9f} x{percent / 100:.2f}\n")


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))  # noqa: T201 - its output is the answer
