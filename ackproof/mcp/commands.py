"""Has `ackproof` do what takes long, in a process of its own: it cannot write into the protocol's stream, and
ends with this process."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any

import msgspec

from harness.errors import CouldNotRun
from history.files import brief

MOST_OUTPUT_BYTES = 50_000_000
HEALING_S = 60.0
"""How long a command may take to end once it was asked to."""
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


async def done(arguments: Sequence[str], bound_s: float) -> dict[str, Any]:
    """What `ackproof ARGUMENTS --json` prints; a command that takes longer than `bound_s` seconds is ended.

    Raises:
        CouldNotRun: it did not end in time, or printed no result.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ackproof", *arguments, "--json"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=_end_with_parent,
        limit=MOST_OUTPUT_BYTES,
    )
    try:
        async with asyncio.timeout(bound_s):
            output, _ = await process.communicate()
    except TimeoutError:
        raise CouldNotRun(f"it did not end within {bound_s:.0f} s and was stopped") from None
    finally:
        await _end(process)
    try:
        found: dict[str, Any] = msgspec.json.decode(output, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise CouldNotRun(
            f"it ended with {process.returncode} and printed no result: {brief(error)}"
        ) from None
    return found


async def _end(process: asyncio.subprocess.Process) -> None:
    """End a command that still goes on: it heals what it broke, or is killed."""
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    try:
        async with asyncio.timeout(HEALING_S):
            await process.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _end_with_parent() -> None:
    if os.name == "posix" and sys.platform.startswith("linux"):
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
