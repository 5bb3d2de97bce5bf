"""Clocks of one process's own, by libfaketime; the host's clock is never touched.

The library is loaded before the program's own and reads how far to be off, and how fast to run, from a file
at every look at the clock (its cache of 10 s is off), so a running process's clock changes when the file
does. Shared memory holds the time at which a process's clock began (ownclock.py says why).

**Jumps** (`drifts` false) are of the wall clock. CLOCK_MONOTONIC is left as it is: the kernel promises that
it never jumps, and a jump of it would show bugs that no real cluster has. **Drift** (`drifts` true) is of
CLOCK_MONOTONIC, and of the wall clock with it, as on a host with a bad oscillator. libfaketime has one
offset for both clocks, so a process whose monotonic clock is its own cannot have its wall clock set without
a jump of the other: one run can have jumps or drift, not both.

What was found out about libfaketime 0.9.10 with Python 3.11, by experiment:

- Its "monotonic fix" of timed waits for condition variables must be on where CLOCK_MONOTONIC is its own,
  and off where it is real. The interpreter waits in this way for its own lock. On where it must be off, waits
  end at once, and two busy threads get to a fiftieth of their speed; off where it must be on, they never
  end, and a thread that only computes is never interrupted.
- It does not know a timed wait for a lock (sem_clockwait(3), so `threading.Event.wait(1)`): with drift such a
  wait lasts until the lock is free. Event loops and the reference node do not use it.
- Time-outs of epoll, poll and select, and `time.sleep`, last as long as the process's own clock says: an
  event loop at rate 1.2 waits 0.83 s for what it takes for a second.
- After a jump clock_nanosleep(2), so `time.sleep`, fails with EINVAL; event loops do not use it.
- Only the library for threads (libfaketimeMT) reads rate and offset as a pair. With the other one a thread
  may take the old rate with the new offset, and its clock leaps once: seen within 8 s of
  changes between 0.8 and 1.2, by 400 s, on a clock that had run for 1,000 s.
- Event loops survive a monotonic clock that goes back: what was due comes that much later, nothing is lost,
  and no loop spins (tests/harness/hosts/clocks/test_faketime.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from harness.hosts.clocks import ownclock
from harness.hosts.host import Host, HostError

USUAL_PERCENT = 100


class _Answer(msgspec.Struct):
    began: int = 0
    offset: int = 0
    back_ns: int = 0
    problem: str | None = None


class Faketime:
    """The clocks of one node's processes.

    Args:
        name: the node's name.
        file: the file on the host that libfaketime reads, in a folder that exists.
        library: the path of libfaketime on the host.
        python: the Python on the host.
        drifts: the node has its own monotonic clock, too.
    """

    def __init__(
        self, host: Host, name: str, file: Path, library: str, python: str, *, drifts: bool = False
    ) -> None:
        self._host = host
        self._name = name
        self.file = file
        self._library = str(Path(library).with_name("libfaketimeMT.so.1")) if drifts else library
        self._python = python
        self._shared: str | None = None
        self._began_ns = 0
        self._offset_ns = 0
        self.drifts = drifts
        self.offset_s = 0
        self.rate_percent = USUAL_PERCENT

    @property
    def environment(self) -> Mapping[str, str]:
        """The environment variables that a process must be started with, after `begin`."""
        assert self._shared is not None
        return ownclock.environment_of(self._shared, str(self.file), self._library, drifts=self.drifts)

    async def fit(self) -> None:
        """Prepare, once, before the first process.

        Raises:
            HostError: it cannot be done here.
        """
        self._shared = self._host.sharing(self._name)
        if self.drifts:
            problem = (await self._do("probe", self._shared, str(self.file), self._library)).problem
            if problem is not None:
                raise HostError(f"clocks cannot drift here: {problem}")
        await self.set(0)

    async def begin(self) -> None:
        """Begin the clock of the process that is started next; it keeps offset and rate.

        Raises:
            HostError: it cannot be done.
        """
        assert self._shared is not None
        self._began_ns = (await self._do("make", self._shared)).began
        if self.drifts:
            self._offset_ns = 0
            await self._write(f"+0 x{self.rate_percent / 100:.2f}")

    async def end(self) -> None:
        """Remove what the clock has on the host, once no process will be started any more.

        Raises:
            HostError: it failed; the host itself, or `clean`, removes it.
        """
        if self._shared is not None:
            await self._do("remove", self._shared)
            self._host.unshared(self._shared)

    async def set(self, offset_s: int) -> None:
        """Set the clock this number of seconds ahead of the host's (negative: behind).

        Raises:
            HostError: the file cannot be written.
        """
        await self._write(f"{offset_s:+d}s")
        self.offset_s = offset_s

    async def set_rate(self, percent: int) -> int:
        """Set the clock's rate, 100 being the host's; by how many nanoseconds it may have gone back.

        Raises:
            HostError: the file cannot be written.
        """
        done = await self._do(
            "rate",
            str(self.file),
            *map(str, (self._began_ns, self._offset_ns, self.rate_percent, percent)),
        )
        self._offset_ns, self.rate_percent = done.offset, percent
        return done.back_ns

    async def _write(self, line: str) -> None:
        # Renamed into place: the process may read it at any time.
        unfinished = self.file.with_name(self.file.name + ".unfinished")
        for argv in (["tee", str(unfinished)], ["mv", str(unfinished), str(self.file)]):
            done = await self._host.run(argv, given=f"{line}\n")
            if done.status:
                raise HostError(f"the clock of {self._name} cannot be set: {done.complaint()}")

    async def _do(self, *words: str) -> _Answer:
        ran = await self._host.run([self._python, "-I", "-S", "-c", ownclock.SOURCE, *words])
        if ran.status:
            raise HostError(f"the clock of {self._name} cannot be set: {ran.complaint()}")
        return msgspec.json.decode(ran.output, type=_Answer)
