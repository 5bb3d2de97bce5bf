"""What one host can do for a test: the same protocol for this machine, a namespace on it and a remote host.

A `Host` runs argument lists, never shell text. It watches every process that it starts in the background, so
that an unexpected end is known when it happens. It signals exactly that process, never a later one with the
same number. `LocalHost` (local.py) and `RemoteHost` (remote.py) are hosts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import msgspec

from harness.hosts.processes import Identity
from harness.nemesis.mechanisms.world import MechanismError

POLL_S = 0.005
COMMAND_BOUND_S = 10.0
END_SEEN_S = 2.0
"""From when a process is gone until its end is seen it takes no longer."""
Clock = Callable[[], int]
"""Nanoseconds since the run began, monotonic."""


class HostError(MechanismError):
    """A host cannot be reached or used; the message says which, why and what to do."""


class StartError(HostError):
    """A process could not be started; the message says which and why."""


class CommandResult(msgspec.Struct, frozen=True):
    """The result of a command that ran to its end."""

    status: int
    output: str
    errors: str

    def complaint(self) -> str:
        """The last line that it wrote, for a message."""
        words = (self.errors.strip() or self.output.strip() or "no output").splitlines()
        return f"status {self.status}: {words[-1]}"


@dataclass
class Background:
    """A process in the background, and what is known of its life so far."""

    what: str
    identity: Identity
    log: Path
    """The path of its log, on its host."""
    started_at: int
    ask_stopped: Callable[[], bool]
    """Whether its host shows it stopped now."""
    ended_at: int | None = None
    status: int | None = None
    """As `subprocess` gives it: negative is the signal that ended it."""
    ended_by: str | None = None
    """The fault that ended it, or `teardown`; None while it runs, and if it ended unexpectedly."""
    stdin: asyncio.StreamWriter | None = None
    stdout: asyncio.StreamReader | None = None
    exited: asyncio.Event = field(default_factory=asyncio.Event)
    _expected: dict[int, str] = field(default_factory=dict)
    """By exit status: the fault that such an end is counted as an effect of."""

    @property
    def pid(self) -> int:
        """The process's number on its host."""
        return self.identity.pid

    @property
    def is_running(self) -> bool:
        """Whether its end has not been seen yet."""
        return not self.exited.is_set()

    @property
    def is_stopped(self) -> bool:
        """Whether its host shows it, and all its family, stopped now."""
        return self.is_running and self.ask_stopped()

    def expect_end(self, status: int, by: str | None) -> None:
        """Count an end with this status as an effect of the fault `by`; None: as unexpected again."""
        if by is None:
            self._expected.pop(status, None)
        else:
            self._expected[status] = by

    def end(self, status: int | None, at: int, by: str | None = None) -> None:
        """Note that it has ended. Its status shows what ended it, unless `by` names a fault."""
        known = None if status is None else self._expected.get(status)
        self.status, self.ended_at, self.ended_by = status, at, by or known
        self.exited.set()


class Host(Protocol):
    """One host. Paths are the host's own, except the local ends of `upload` and `download`.

    Raises, each method: HostError, if the host is lost.
    """

    async def start(
        self,
        what: str,
        argv: Sequence[str],
        *,
        log: Path,
        folder: Path,
        environment: Mapping[str, str] | None = None,
        as_commands: bool = False,
        group: str | None = None,
    ) -> Background:
        """Start a process in `folder`; what it writes is appended to `log`. Raises StartError.

        as_commands: as the user that `run` runs commands as; nodes may run as one with fewer rights.
        group: it is a process of this node, and all that it starts is one family with it: signals are for
            all of them, and once it has ended the others are ended too.
        """
        ...

    async def family(self, process: Background) -> tuple[Identity, ...]:
        """The process and what it started, as far as they live."""
        ...

    def mounting(self, folder: Path) -> None:
        """Note a mount that is about to be made over this folder: it is removed even if the harness dies."""
        ...

    def unmounted(self, folder: Path) -> None:
        """Note that the mount was removed again."""
        ...

    def sharing(self, what: str) -> str:
        """Note shared memory that is about to be made, so that it is removed in any case; its name."""
        ...

    def unshared(self, name: str) -> None:
        """Note that the shared memory was removed again."""
        ...

    async def kill(self, process: Background, by: str, bound_s: float = 5.0) -> bool:
        """Send SIGKILL on the account of the fault `by`; True once the process and its family are gone."""
        ...

    async def terminate(
        self, process: Background, by: str, bound_s: float, statuses: Sequence[int] = (0,)
    ) -> bool:
        """Send SIGTERM, and SIGCONT so that a stopped process gets it; True if all end within `bound_s`.

        An end with one of the exit statuses, or by the signal, is on the account of `by`.
        """
        ...

    async def pause(self, process: Background, bound_s: float = 2.0) -> bool:
        """Send SIGSTOP; True once the host shows the process, and all its family, stopped."""
        ...

    async def resume(self, process: Background, bound_s: float = 2.0) -> bool:
        """Send SIGCONT; True once the host shows the process, and all its family, running again."""
        ...

    async def run(
        self, argv: Sequence[str], *, given: str = "", bound_s: float = COMMAND_BOUND_S
    ) -> CommandResult:
        """Run a command to its end, with `given` as its standard input.

        Raises:
            HostError: there is no such program, or it took longer than `bound_s` and was killed.
        """
        ...

    async def upload(self, here: Path, there: Path) -> None:
        """Copy a file to the host."""
        ...

    async def download(self, there: Path, here: Path) -> None:
        """Copy a folder, with all below it, from the host into the folder `here`."""
        ...

    async def make_folder(self, folder: Path) -> None:
        """Make a folder and those above it; no error if it is there."""
        ...

    async def names(self, folder: Path) -> tuple[str, ...]:
        """The names in a folder; none if it does not exist."""
        ...

    async def tail(self, log: Path, lines: int) -> list[str]:
        """The last lines of a log; none if it does not exist."""
        ...


async def within(bound_s: float, action: Awaitable[object]) -> bool:
    """Wait for at most `bound_s`; whether the action was done by then."""
    try:
        async with asyncio.timeout(bound_s):
            await action
    except TimeoutError:
        return False
    return True


async def has_ended(process: Background) -> bool:
    """Whether a process that its host did not find has ended; its end may be seen a moment later."""
    return await within(END_SEEN_S, process.exited.wait())


async def eventually_asked(holds: Callable[[], Awaitable[bool]], bound_s: float) -> bool:
    """Ask again and again, for at most `bound_s`, whether something holds; the answer is awaited."""
    deadline = asyncio.get_running_loop().time() + bound_s
    while not await holds():
        if asyncio.get_running_loop().time() > deadline:
            return False
        await asyncio.sleep(POLL_S)
    return True


async def eventually(holds: Callable[[], bool], bound_s: float) -> bool:
    """Ask again and again, for at most `bound_s`, whether something holds."""
    deadline = asyncio.get_running_loop().time() + bound_s
    while not holds():
        if asyncio.get_running_loop().time() > deadline:
            return False
        await asyncio.sleep(POLL_S)
    return True
