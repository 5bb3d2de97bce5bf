"""The life of one recording: open the channels, wait for the end, complete what is pending, seal.

It ends when a client ends it, standard input ends, a time is over, or a person presses Ctrl-C; whatever the
reason, what was recorded until then is complete and can be judged. A recorder that is killed leaves a history
without a seal, which can be judged, too. Over HTTP the death of a client ends nothing, as others may go on,
so a person who may wait in vain is asked to end it.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
import signal
import socket
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic_ns
from typing import Final, NamedTuple

from checkers.words import plural
from harness.errors import CouldNotRun
from harness.recording.folder import Asked, RecordedFolder
from harness.recording.http import HttpChannel
from harness.recording.journal import Inspector, Journal, accept_all
from harness.recording.lines import LineChannel
from harness.recording.protocol import Status
from history.files import brief
from history.units import SECOND_NS

LOOK_EVERY_S: Final = 0.2
"""How often it is looked whether a time is over."""
BACKLOG: Final = 128
SILENCE_S: Final = 30.0
"""After how long without a request it says that it still waits."""


class Address(NamedTuple):
    """Where to listen; port 0 is a free one."""

    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """Whether only programs of this machine reach it."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Bounds(NamedTuple):
    """When a recording ends by itself; None for never."""

    idle_s: float | None = None
    """Seconds without any request."""
    time_limit_s: float | None = None
    """Seconds from its beginning."""


class Recorded(NamedTuple):
    """A recording that came to its end."""

    folder: RecordedFolder
    why: str
    """What ended it, in words."""
    events: int
    not_completed: int


def record(
    store: Path,
    asked: Asked,
    *,
    channel: Address | tuple[int, int],
    bounds: Bounds,
    command: Sequence[str],
    say: Callable[[str], object],
    inspect: Inspector = accept_all,
) -> Recorded:
    """Record until the end. The folder is then sealed, and not judged yet.

    Args:
        channel: where to listen for HTTP, or the descriptors of requests and answers as lines.
        say: shows a person where the recording listens and lies, and that no request comes any more.
        inspect: refuses operations that the data type lacks.

    Raises:
        CouldNotRun: the address is in use, or the store cannot be written; with what to do.
    """
    listening = _listening(channel) if isinstance(channel, Address) else None
    try:
        address = None if listening is None else _address_of(listening)
        folder = RecordedFolder.create(store, asked, command, None if address is None else str(address))
        try:
            journal = Journal(folder.path, folder.facts().monotonic_start_ns, inspect)
            session = _Session(journal, bounds, lambda: say(_silence(journal.status(), address)))
            why = asyncio.run(session.run(channel, listening, _greeting(folder, address, say)))
            ended = journal.end()
            folder.run.seal()
        except OSError as error:
            raise CouldNotRun(
                f"cannot go on writing to {folder.path} ({error.strerror}); make room, then judge what there "
                f"is: ackproof analyze {folder.path}"
            ) from error
    finally:
        if listening is not None:
            listening.close()
    return Recorded(folder, why, ended.events, ended.not_completed)


class _Session:
    """Waits for whatever ends the recording.

    Args:
        journal: what keeps the operations.
        bounds: when it ends by itself.
        say_silence: called once in each long silence that ends nothing.
    """

    def __init__(self, journal: Journal, bounds: Bounds, say_silence: Callable[[], object]) -> None:
        self._journal = journal
        self._bounds = bounds
        self._say_silence = say_silence
        self._silent_since_ns: int | None = None
        self._why = ""
        self._over = asyncio.Event()

    async def run(
        self,
        channel: Address | tuple[int, int],
        listening: socket.socket | None,
        greet: Callable[[], object],
    ) -> str:
        """Open the channel, wait, close it; what ended the recording, in words."""
        loop = asyncio.get_running_loop()
        for number, what in ((signal.SIGINT, "Ctrl-C"), (signal.SIGTERM, "SIGTERM")):
            loop.add_signal_handler(number, self._end, f"{what} ended it")
        http = None
        if listening is not None:
            http = HttpChannel(self._journal, self._end)
            await http.open(listening)
        elif not isinstance(channel, Address):
            lines = LineChannel(self._journal, *channel)
            threading.Thread(
                target=lambda: self._ended_by_thread(loop, lines.run()), name="lines", daemon=True
            ).start()
        greet()
        begun_ns = monotonic_ns()
        while not self._over.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._over.wait(), LOOK_EVERY_S)
            self._end_if_late(begun_ns)
            self._say_if_silent()
        self._journal.end()
        if http is not None:
            await http.close()
        return self._why

    def _end(self, why: str) -> None:
        self._why = self._why or why
        self._over.set()

    def _ended_by_thread(self, loop: asyncio.AbstractEventLoop, why: str) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: something else ended the recording
            loop.call_soon_threadsafe(self._end, why)

    def _end_if_late(self, begun_ns: int) -> None:
        now_ns = monotonic_ns()
        idle_s, limit_s = self._bounds
        if limit_s is not None and now_ns - begun_ns >= limit_s * SECOND_NS:
            self._end(f"its {limit_s:g} s are over")
        idle_since_ns = max(begun_ns, self._journal.last_request_ns)
        if idle_s is not None and now_ns - idle_since_ns >= idle_s * SECOND_NS:
            self._end(f"no request for {idle_s:g} s")

    def _say_if_silent(self) -> None:
        since_ns = self._journal.last_request_ns
        if self._over.is_set() or self._bounds.idle_s is not None or since_ns == self._silent_since_ns:
            return
        if monotonic_ns() - since_ns >= SILENCE_S * SECOND_NS:
            self._silent_since_ns = since_ns
            self._say_silence()


def _listening(address: Address) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
        return socket.create_server(tuple(address), family=family, backlog=BACKLOG)
    except (OSError, UnicodeError) as error:
        number = error.errno if isinstance(error, OSError) else None
        # `create_server` lengthens the text of an error; a name that is not known has a negative number.
        why = os.strerror(number) if number is not None and number > 0 else brief(error)
        raise CouldNotRun(
            f"cannot listen on {address}: {why}; choose another with --listen HOST:PORT, where port 0 is any "
            "free one"
        ) from error


def _address_of(listening: socket.socket) -> Address:
    host, port = listening.getsockname()[:2]
    return Address(host, port)


def _greeting(
    folder: RecordedFolder, address: Address | None, say: Callable[[str], object]
) -> Callable[[], object]:
    where = "as lines on standard input" if address is None else f"at http://{address}/v1/"
    return lambda: say(f"recording into {folder.path}; clients send invoke, complete and end {where}")


def _silence(status: Status, address: Address | None) -> str:
    """What a person should know who waits for a client that may have died."""
    pending = f", with {plural(status.pending_count, 'operation')} not completed" * bool(status.pending_count)
    end = "the end of its input" if address is None else f"curl -X POST http://{address}/v1/end"
    return (
        f"no request for {SILENCE_S:g} s{pending}; still waiting for a client. Ctrl-C ends the recording, or "
        f"{end}; --idle-seconds would end it by itself"
    )
