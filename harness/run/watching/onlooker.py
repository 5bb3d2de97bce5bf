"""A program that ends a harness that stands still: a process of its own, as the harness cannot do it then.

Python runs one thread at a time, the one that holds its global lock. A library in C that never gives the lock
back stops all threads of the harness: no operation ends, no fault is healed, Ctrl-C does nothing. So does a
system's method that never returns to the harness's loop.

standstill.py starts it as `python -I -S onlooker.py ASKED`, where ASKED is JSON (`Asked`), so it is one file
of the standard library. It reads lines from its standard input, about one a second: each is a sign of life,
and one that is not empty is JSON: by the kernel's number of each thread, Python's number and the name. At the
end of the input, or when the harness has ended, it ends.

It counts only time in which it runs itself and the harness is neither stopped (SIGSTOP, Ctrl-Z) nor in a
debugger: a laptop that was suspended, or a busy machine, is no standstill. When enough has been counted, it
has the harness write down where its threads are (faulthandler, which needs no lock), says in a line who holds
it, ends it, and has `ackproof clean` end the nodes.
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

TICK_S = 0.25
NAP_S = 0.01
NAPS = 100
"""Threads are compared before and after these short sleeps. On a machine that is short of processors, or is
itself stopped for a second, they take longer, as do the threads' own."""
DUMP_BOUND_S = 5.0
END_BOUND_S = 3.0
LONGEST_DUMP = 1 << 20
SPINS = 0.5
"""A thread spins if it had this share of all processor time that the harness's threads had."""
WAITS = 5
"""A thread that waits for Python's lock looks for it every 5 ms, so it goes to sleep at least so often."""
Stacks = dict[str, list[tuple[str, str, str]]]
"""By Python's number of each thread, its frames, the innermost first: file, line and function."""
DEBUGGERS = ("/bdb.py", "/pdb.py")


class Asked:
    """What the harness asks for."""

    def __init__(self, text: str) -> None:
        asked = json.loads(text)
        self.pid: int = asked["pid"]
        self.bound_s: float = asked["bound_s"]
        self.dump: int = asked["dump"]
        """The descriptor of the file that the harness writes its threads into at `dump_signal`."""
        self.dump_signal: int = asked["dump_signal"]
        self.exit_thread: int = asked["exit_thread"]
        """The kernel's number of the thread of the harness that ends it with its status at `exit_signal`."""
        self.exit_signal: int = asked["exit_signal"]
        self.loop_thread: int = asked["loop_thread"]
        """The kernel's number of the thread that the harness's loop runs in."""
        self.folder: str = asked["folder"]
        self.clean: list[str] = asked["clean"]
        self.path: str = asked["path"]


def main(text: str) -> None:
    """Look on until the harness ends or stands still."""
    asked = Asked(text)
    os.set_blocking(0, False)
    threads: dict[str, list[str]] = {}
    still_s = 0.0
    while True:
        time.sleep(TICK_S)  # its own clock: what is counted is how often it woke up
        signs = read_signs()
        if signs is None or os.getppid() != asked.pid:
            return
        if signs:
            still_s = 0.0
            threads = next((json.loads(sign) for sign in reversed(signs) if sign.strip()), threads)
        elif not is_stopped(asked.pid):
            still_s += TICK_S
        if still_s >= asked.bound_s:
            if not end(asked, threads):
                still_s = 0.0
                continue
            return


def read_signs() -> list[bytes] | None:
    """The lines that came; None at the end of the input."""
    content = b""
    while True:
        try:
            piece = os.read(0, 1 << 16)
        except BlockingIOError:
            return content.splitlines()
        if not piece:
            return None
        content += piece


def is_stopped(pid: int) -> bool:
    """Whether the harness is stopped, or a debugger holds it."""
    with suppress(OSError):
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
        found = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
        return found["State"].strip()[0] in "Tt" or found["TracerPid"].strip() != "0"
    return True


def end(asked: Asked, threads: dict[str, list[str]]) -> bool:
    """End the harness, and its nodes, and say why; False, and nothing ended, if it is in a debugger."""
    suspects = holding(asked.pid)
    dump = dumped(asked)
    if any(debugger in dump for debugger in DEBUGGERS):
        return False
    why = in_words(suspects, asked, threads, dump)
    sys.stderr.write(
        f"\nackproof: the harness stood still for {asked.bound_s:g} s: {why}; the run and its nodes are "
        f"ended (else: ackproof clean). Judge what was recorded: ackproof analyze {asked.folder}\n"
    )
    sys.stderr.flush()
    libc = ctypes.CDLL(None)
    libc.tgkill(asked.pid, asked.exit_thread, asked.exit_signal)
    until = time.monotonic() + END_BOUND_S
    while os.getppid() == asked.pid and time.monotonic() < until:
        time.sleep(TICK_S)  # a poll of another process
    if os.getppid() == asked.pid:
        os.kill(asked.pid, signal.SIGKILL)
        while os.getppid() == asked.pid:
            time.sleep(TICK_S)  # the kernel ends it
    subprocess.run(  # noqa: S603 - an argument list that the harness gave
        asked.clean, check=False, stdin=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": asked.path}
    )
    return True


def holding(pid: int) -> list[str]:
    """The kernel's numbers of the threads that may hold the lock: one that computes, or those that sleep and
    do not wait for it."""
    before = used(pid)
    for _ in range(NAPS):
        time.sleep(NAP_S)  # for as long as threads are compared
    now = {thread: used_now for thread, used_now in used(pid).items() if thread in before}
    ticks = {thread: one[0] - before[thread][0] for thread, one in now.items()}
    most = max(ticks, key=lambda thread: ticks[thread], default="")
    if most and ticks[most] > SPINS * sum(ticks.values()) and ticks[most] > 1:
        return [most]
    return [thread for thread, one in now.items() if one[1] - before[thread][1] < WAITS]


def used(pid: int) -> dict[str, tuple[int, int]]:
    """By the kernel's number of each thread, its processor time in ticks, and how often it went to sleep."""
    seen = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(OSError, IndexError):
            fields = (task / "stat").read_text(errors="replace").rpartition(")")[2].split()
            slept = (task / "status").read_text(errors="replace").partition("\nvoluntary_ctxt_switches:")[2]
            seen[task.name] = (int(fields[11]) + int(fields[12]), int(slept.split()[0]))
    return seen


def dumped(asked: Asked) -> str:
    """Where the harness's threads are, as faulthandler writes it."""
    os.kill(asked.pid, asked.dump_signal)
    until = time.monotonic() + DUMP_BOUND_S
    content, last = b"", b"-"
    while time.monotonic() < until and (not content or content != last):
        time.sleep(TICK_S)  # a poll of what another process writes
        last, content = content, os.pread(asked.dump, LONGEST_DUMP, 0)
    return content.decode(errors="replace")


def in_words(suspects: list[str], asked: Asked, threads: dict[str, list[str]], dump: str) -> str:
    """Who holds the lock, where, and what to do."""
    stacks = stacks_of(dump)
    threads = {**begun_since(asked.pid, threads, stacks), **threads}
    found = []
    for suspect in suspects:
        number, name = threads.get(suspect, ["", ""])
        stack = stacks.get(number, [])
        if idles(stack):
            continue
        if int(suspect) == asked.loop_thread:  # it does not wait for the lock
            return f"its own loop is in {place_of(stack)}, which did not return"
        if stack and not (len(suspects) > 1 and waits(stack)):
            found.append(f"{name} in {place_of(stack)}")
    if not found:
        return "some library keeps Python's global lock, and it is not known which call does"
    return (
        f"{' or '.join(found)} keeps Python's global lock; give such clients a process of their own, "
        "`in_own_process` (docs/testing-your-system.md)"
    )


def begun_since(pid: int, threads: dict[str, list[str]], stacks: Stacks) -> dict[str, list[str]]:
    """The threads that began after the last sign of life: faulthandler and the kernel list them by age."""
    tasks = sorted(set(os.listdir(f"/proc/{pid}/task")) - set(threads), key=int)
    numbers = [number for number in reversed(stacks) if number not in {one[0] for one in threads.values()}]
    # From the newest on: the kernel's list also has older ones that libraries made without Python.
    newest = zip(reversed(tasks), reversed(numbers), strict=False)
    return {task: [number, "a thread that had just begun"] for task, number in newest}


def waits(stack: list[tuple[str, str, str]]) -> bool:
    """Whether the innermost call is of Python's library, which waits without the lock, or of this watch."""
    return stack[0][0].startswith(os.path.dirname(os.__file__) + os.sep) or "/watching/" in stack[0][0]


def idles(stack: list[tuple[str, str, str]]) -> bool:
    """Whether the loop waits for what comes next. It would have given a sign, so it waits for the lock."""
    return [function for _, _, function in stack[:2]] == ["select", "_run_once"]


def stacks_of(dump: str) -> Stacks:
    """By Python's number of each thread, its frames, the innermost first: file, line and function."""
    stacks: Stacks = {}
    frames: list[tuple[str, str, str]] = []
    for line in dump.splitlines():
        if head := re.match(r"(?:Current thread|Thread) 0x([0-9a-f]+)", line):
            frames = stacks.setdefault(str(int(head[1], 16)), [])
        elif frame := re.match(r'  File "(.*)", line (\d+) in (.*)', line):
            frames.append((frame[1], frame[2], frame[3]))
    return stacks


def place_of(stack: list[tuple[str, str, str]]) -> str:
    """The innermost call of a user's code, or else of the harness; empty if there is none."""
    library = os.path.dirname(os.__file__)
    own = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    outside = [frame for frame in stack if not frame[0].startswith((library + os.sep, "<frozen"))]
    users = [frame for frame in outside if not frame[0].startswith(os.path.join(own, "harness") + os.sep)]
    for file, line, function in [*users, *outside]:
        return f"{function} ({file}:{line})"
    return ""


if __name__ == "__main__":
    main(sys.argv[1])
