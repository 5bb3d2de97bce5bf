"""A harness that stands still is ended from outside, with a line that says which call holds it.

A client runs in a thread of the harness unless its system gives it a process (`in_own_process`). A library
in C that keeps Python's global lock then stops everything: no time-out is noticed, no fault healed, no Ctrl-C
heard. No thread of Python can help, so another process looks on (onlooker.py). While the run goes on, the
harness's loop sends it a sign of life each second.

Two things work without the lock. `faulthandler` writes down where all threads are, at a signal. And a thread
that waits in the C library ends the process with the status of a run that could not be carried out: another
signal ends that thread, and the C library then calls what was registered for the end of a thread, `_exit`.
"""

from __future__ import annotations

import asyncio
import ctypes
import faulthandler
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

STANDSTILL_S = 60.0
"""How long the loop may stand still. Nothing that the harness does itself takes a tenth of it."""
EXIT_STATUS = 255
"""That of a command that could not do its work."""
SIGN_S = 1.0
END_S = 2.0
ONLOOKER = Path(__file__).with_name("onlooker.py")


@asynccontextmanager
async def ended_at_standstill(folder: Path, store: Path, request_s: float) -> AsyncIterator[None]:
    """While the body runs, a loop that stands still ends the process, and the nodes of the run.

    Args:
        folder: the run's, for the message.
        store: the run's store, in which `ackproof clean` ends the nodes.
        request_s: how long one operation of a client may take; twice that is borne, too.
    """
    if sys.platform != "linux":
        yield
        return
    with tempfile.TemporaryFile() as dump:
        dump_signal, exit_signal = signal.SIGRTMAX - 3, signal.SIGRTMAX - 4
        faulthandler.register(dump_signal, dump, all_threads=True)
        asked = {
            "pid": os.getpid(),
            "bound_s": max(STANDSTILL_S, 2 * request_s),
            "dump": dump.fileno(),
            "dump_signal": dump_signal,
            "exit_thread": _exit_thread(exit_signal),
            "exit_signal": exit_signal,
            "loop_thread": threading.get_native_id(),
            "folder": str(folder),
            "clean": [sys.executable, "-m", "ackproof", "clean", "--store", str(store)],
            "path": os.pathsep.join(path or str(Path.cwd()) for path in sys.path),
        }
        onlooker = _started(asked, dump.fileno())
        assert onlooker.stdin is not None
        os.set_blocking(onlooker.stdin.fileno(), False)
        signs = asyncio.create_task(_signs_of_life(onlooker.stdin.fileno()))
        try:
            yield
        finally:
            signs.cancel()
            with suppress(asyncio.CancelledError):
                await signs
            onlooker.stdin.close()
            try:
                onlooker.wait(END_S)
            except subprocess.TimeoutExpired:
                onlooker.kill()
                onlooker.wait()
            faulthandler.unregister(dump_signal)


def _started(asked: dict[str, Any], dump: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - this Python, with a file of ours
        [sys.executable, "-I", "-S", str(ONLOOKER), json.dumps(asked)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        pass_fds=(dump,),
        start_new_session=True,  # Ctrl-C is for the harness
    )


async def _signs_of_life(pipe: int) -> None:
    """A line each second: empty, or what threads there are, if others than before."""
    before = ""
    while True:
        threads = {str(one.native_id): [str(one.ident), one.name] for one in threading.enumerate()}
        now = json.dumps(threads)
        with suppress(OSError):  # it is full, or its reader ended: a sign less
            os.write(pipe, b"\n" if now == before else now.encode() + b"\n")
        before = now
        await asyncio.sleep(SIGN_S)


@cache
def _exit_thread(exit_signal: int) -> int:
    """The kernel's number of a thread that ends this process when `exit_signal` comes to it."""
    libc = ctypes.CDLL(None)
    key = ctypes.c_uint()
    libc.pthread_key_create(ctypes.byref(key), libc._exit)
    libc.signal.argtypes = (ctypes.c_int, ctypes.c_void_p)
    libc.signal(exit_signal, ctypes.cast(libc.pthread_exit, ctypes.c_void_p))

    def wait() -> None:
        libc.pthread_setspecific(key, ctypes.c_void_p(EXIT_STATUS))
        while True:
            libc.pause()

    thread = threading.Thread(target=wait, name="ends a harness that stands still", daemon=True)
    thread.start()
    assert thread.native_id is not None
    return thread.native_id
