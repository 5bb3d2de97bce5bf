"""A wall clock of one process's own, by libfaketime; the host's clock is never touched.

The library is loaded before the program's own and reads how far to be off from a file, at every look at the
clock (its cache of 10 s is off), so a running process's clock jumps when the file changes.
CLOCK_MONOTONIC is left as it is: the kernel promises that it never jumps, and a jump of it would show
bugs that no real cluster has.

Two things were found out about libfaketime 0.9.10 with Python: its "monotonic fix" makes timed waits for
condition variables return at once, among them the one for the interpreter's lock, so that a process with
two busy threads gets to a fiftieth of its speed; it is switched off. And after a jump clock_nanosleep(2), so
`time.sleep`, fails with EINVAL; event loops do not use it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from harness.control.host import Host, HostError


class Faketime:
    """The clock of one node's processes.

    Args:
        file: on the host, in a folder that is there.
        library: libfaketime, on the host.
    """

    def __init__(self, host: Host, file: Path, library: str) -> None:
        self._host = host
        self.file = file
        self._library = library
        self.offset_s = 0

    @property
    def environment(self) -> Mapping[str, str]:
        """What a process must be started with."""
        return {
            "LD_PRELOAD": self._library,
            "FAKETIME_TIMESTAMP_FILE": str(self.file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_FORCE_MONOTONIC_FIX": "0",
        }

    async def set(self, offset_s: int) -> None:
        """Be so many seconds ahead of the host's clock (negative: behind).

        Raises:
            HostError: the file cannot be written.
        """
        # Renamed into place: the process may read it at any time.
        unfinished = self.file.with_name(self.file.name + ".unfinished")
        for argv in (["tee", str(unfinished)], ["mv", str(unfinished), str(self.file)]):
            done = await self._host.run(argv, given=f"{offset_s:+d}s\n")
            if done.status:
                raise HostError(f"the clock of {self.file.parent.name} cannot be set: {done.complaint()}")
        self.offset_s = offset_s
