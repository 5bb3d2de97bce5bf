"""The harness's side of a faulty disk (faultydisk.py): mounts one under a node and commands it."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Mapping
from pathlib import Path

import msgspec

from harness.hosts.disks.diskmessages import (
    CONTROL,
    NAMES_BY_FSYNC,
    Behave,
    Command,
    DiskState,
    LosePowerCommand,
    LostData,
)
from harness.hosts.host import POLL_S, Background, Host, HostError

MOUNT_BOUND_S = 10.0
UNMOUNT_BOUND_S = 5.0
DISTRIBUTION = "mfusepy"
"""The Python distribution that a host needs for it besides libfuse."""


def reason_against() -> str | None:
    """Why this Python cannot serve a faulty disk; None if it can."""
    if importlib.util.find_spec("mfusepy") is None:
        return "needs mfusepy: pip install 'ackproof[disk]'"
    return None


class MountedDisk:
    """A disk under one folder of a host, for as long as it is mounted.

    Args:
        folder: the node's data folder, on the host; it is there, and no process has a file in it open.
        python: the Python there, and `environment` to find our modules with.
        names_by_fsync: an fsync of a file also makes its names durable, as most file systems do; without it
            only what POSIX promises is durable.
    """

    def __init__(
        self,
        host: Host,
        folder: Path,
        *,
        log: Path,
        python: str,
        environment: Mapping[str, str],
        names_by_fsync: bool = False,
    ) -> None:
        self._host = host
        self._folder = folder
        self._log = log
        self._python = python
        self._environment = environment
        self._options = [NAMES_BY_FSYNC] if names_by_fsync else []
        self._process: Background | None = None

    async def mount(self) -> None:
        """Mount the disk over its folder.

        Raises:
            HostError: it cannot be mounted; with the last lines of its log.
        """
        self._host.mounting(self._folder)
        self._process = process = await self._host.start(
            f"the disk under {self._folder}",
            [self._python, "-m", "harness.hosts.disks.faultydisk", str(self._folder), *self._options],
            log=self._log,
            folder=self._log.parent,
            environment=self._environment,
            as_commands=True,
        )
        deadline = asyncio.get_running_loop().time() + MOUNT_BOUND_S
        while (await self._host.run(["cat", str(self._folder / CONTROL)])).status:
            if not process.is_running or asyncio.get_running_loop().time() > deadline:
                last = " | ".join(await self._host.tail(self._log, 2)) or "it says nothing"
                raise HostError(f"a faulty disk cannot be mounted over {self._folder}: {last}")
            await asyncio.sleep(POLL_S)

    async def unmount(self) -> None:
        """Unmount it, once no process has a file on it open; what was written stays in the folder."""
        process = self._process
        if process is None:
            return
        if not await self._host.terminate(process, "teardown", UNMOUNT_BOUND_S):
            await self._host.kill(process, "teardown")
            await self._host.run(["umount", "--lazy", str(self._folder)])
        self._host.unmounted(self._folder)

    async def behave(self, behave: Behave) -> DiskState:
        """Let the disk behave so from now on; its state after that.

        Raises:
            HostError: the disk does not answer.
        """
        return await self._tell(behave)

    async def lose_power(self, draw: int) -> LostData:
        """Lose or tear what was not synced; what that was. No process may have a file on it open.

        Raises:
            HostError: the disk does not answer.
        """
        state = await self._tell(LosePowerCommand(draw, tear=True))
        assert state.lost is not None
        return state.lost

    async def state(self) -> DiskState:
        """The state of the disk now.

        Raises:
            HostError: the disk does not answer.
        """
        read = await self._host.run(["cat", str(self._folder / CONTROL)])
        if read.status:
            raise HostError(f"the disk under {self._folder} does not answer: {read.complaint()}")
        return msgspec.json.decode(read.output, type=DiskState)

    async def _tell(self, command: Command) -> DiskState:
        text = msgspec.json.encode(command).decode()
        written = await self._host.run(["tee", str(self._folder / CONTROL)], given=text)
        if written.status:
            raise HostError(f"the disk under {self._folder} refuses {text}: {written.complaint()}")
        return await self.state()
