"""The connection to a Dask cluster: made within a bound, checked before any work, and made again.

A worker with other code, or beyond this machine without TLS, is refused by its address. Dask is loaded here
and nowhere else, and only when it was asked for (`pip install 'ackproof[dask]'`).
"""

from __future__ import annotations

import contextlib
import logging
import re
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from harness.errors import CouldNotRun
from harness.executors import memory
from harness.executors.dask_address import LOCAL, unprotected
from harness.executors.dask_worker import Identity
from history.files import brief

CONNECT_S = 10.0
"""Seconds within which a scheduler must answer, and have a worker."""
ANSWER_S = 30.0
"""Seconds within which all workers must say which code they have."""
AGAIN_S = 120.0
"""Seconds within which a scheduler that went away must be back."""
LOOK_EVERY_S = 2.0
"""Seconds between two looks at which workers there are."""
MOST_NAMED = 5
T = TypeVar("T")


class DaskCluster:
    """A cluster whose workers were checked. It loses its scheduler with `OSError`."""

    def __init__(self, address: str, identity: Identity, *, jobs: int, connect_s: float = CONNECT_S) -> None:
        """Connect, and check all workers.

        `jobs` is the number of workers of a `local` cluster, which ends with this object.

        Raises:
            CouldNotRun: Dask is not installed, the scheduler is not there or has no workers, or a worker is
                refused: by its address, and why.
        """
        self._distributed = _distributed()
        self.address = address
        self.identity = identity
        self.workers: tuple[str, ...] = ()
        """The addresses of the workers, as they were lately."""
        self._looked = 0.0
        self._client: Any = None
        self._security = _security(self._distributed, address)
        self._local: Any = _local_cluster(self._distributed, jobs) if address == LOCAL else None
        try:
            self._connect(connect_s)
            self._check()
        except BaseException:
            self.close()
            raise

    def submit(self, function: Callable[..., Any], *args: Any, only_on: frozenset[str]) -> Any:
        """A future of a call on one of these workers; on any, if none is named.

        A mere preference would not do: a worker without work takes from others what has one.

        Raises:
            OSError: the scheduler went away.
        """
        key = f"ackproof-{secrets.token_hex(12)}"
        where = {"workers": sorted(only_on)} if only_on else {}
        try:
            return self._client.submit(function, *args, key=key, pure=False, retries=0, **where)
        except Exception as error:  # Dask raises a plain Exception if its connection has ended
            raise OSError(brief(error)) from error

    def results(self, futures: list[Any]) -> list[Any]:
        """What these futures hold, which are finished.

        Raises:
            OSError: it cannot be got now.
        """

        async def ask() -> list[Any]:
            found: list[Any] = await self._client.gather(futures)
            return found

        answer: list[Any] = self._answer(ask, ANSWER_S)
        return answer

    def look(self) -> None:
        """Note which workers there are now, if the last look was some time ago.

        Raises:
            CouldNotRun: one that came is beyond this machine, without TLS.
            OSError: the scheduler does not answer.
        """
        if time.monotonic() - self._looked >= LOOK_EVERY_S:
            self._look()

    @property
    def is_lost(self) -> bool:
        """Whether the scheduler went away."""
        return self._client is None or self._client.status != "running"

    def connect_again(self, say: Callable[[str], None]) -> None:
        """Connect to a scheduler that went away, once it is back and has a worker.

        Raises:
            CouldNotRun: it is not back in time, or a worker is refused.
        """
        say(f"the Dask scheduler {self.address} went away; waiting up to {AGAIN_S:.0f} s for it")
        self._end_client()
        self._connect(AGAIN_S)
        self._check()
        say(f"the Dask scheduler {self.address} is back, with {len(self.workers)} workers")

    def close(self) -> None:
        """End the connection, and a local cluster."""
        self._end_client()
        if self._local is not None:
            with contextlib.suppress(OSError, RuntimeError):
                self._local.close(timeout=5)
            self._local = None

    def _connect(self, within_s: float) -> None:
        """Connect, and wait for a worker."""
        until = time.monotonic() + within_s
        while True:
            try:
                if self.is_lost:
                    self._client = self._new_client(max(0.5, min(CONNECT_S, until - time.monotonic())))
                self._look()
                why = f"the Dask scheduler {self.address} has no workers; on each machine: {_START}"
            except OSError as error:
                self._end_client()
                why = self._why_not_connected(error)
            if self.workers and not self.is_lost:
                return
            if time.monotonic() >= until:
                raise CouldNotRun(why)
            time.sleep(0.2)  # a process of another machine: it can only be asked again

    def _why_not_connected(self, error: OSError) -> str:
        """What keeps the scheduler from answering: it is not there, or certificates do not fit."""
        words = _in_words(error)
        if self._security is not None and (about := _SSL_ERROR.search(words)):
            return (
                f"the Dask scheduler {self.address} and this command do not accept each other's certificates "
                f"({about[0]}); all must be of one authority, which "
                "DASK_DISTRIBUTED__COMM__TLS__CA_FILE names (docs/scale.md)"
            )
        return f"no Dask scheduler answers at {self.address} ({words}); {_START_SCHEDULER}"

    def _new_client(self, within_s: float) -> Any:
        return self._distributed.Client(
            self._local or self.address, timeout=within_s, set_as_default=False, security=self._security
        )

    def _look(self) -> None:
        self._looked = time.monotonic()

        async def ask() -> list[str]:
            return list(await self._client.nthreads())

        self.workers = tuple(self._answer(ask, CONNECT_S))
        exposed = unprotected(self.workers)
        if exposed:
            raise CouldNotRun(
                f"these Dask workers lie beyond this machine and have no TLS: {_named(exposed)}; start "
                "scheduler and workers with tls:// addresses (docs/scale.md)"
            )

    def _check(self) -> None:
        """Ask all workers which code they have. One that died since it was seen is no longer asked.

        Raises:
            CouldNotRun: some have other code, or none of ours; each by its address.
        """

        async def ask() -> dict[str, Any]:
            found: dict[str, Any] = await self._client.run(
                self.identity, workers=list(self.workers), on_error="return"
            )
            return found

        until = time.monotonic() + ANSWER_S
        while True:
            try:
                found = self._answer(ask, ANSWER_S)
                if not any(isinstance(said, OSError) for said in found.values()):
                    break
                if time.monotonic() >= until:
                    break
                time.sleep(0.2)  # until the scheduler has noticed, too, that a worker's connection ended
                self._look()
            except OSError as error:
                raise CouldNotRun(f"the workers of {self.address} do not answer: {brief(error)}") from error
        wrong = {worker: self.why_refused(said) for worker, said in found.items()}
        lines = [f"{worker} ({why})" for worker, why in wrong.items() if why]
        if lines:
            raise CouldNotRun(
                f"{len(lines)} of {len(found)} Dask workers cannot be used: {_named(lines)}; install what is "
                "installed here on their machines, and restart them"
            )

    def why_refused(self, said: Mapping[str, str] | BaseException) -> str | None:
        """Why a worker that says this of its code is refused; None if its code is ours."""
        if isinstance(said, Exception) and _NO_MODULE.search(str(said)):
            return "Ackproof, or this version of it, is not installed there"
        if isinstance(said, BaseException):
            return f"{type(said).__name__}: {brief(said)}"
        own = self.identity()
        apart = [what for what in dict.fromkeys((*own, *said)) if own.get(what) != said.get(what)]
        return (
            ", ".join(_difference(what, said.get(what), own.get(what)) for what in apart[:MOST_NAMED]) or None
        )

    def _answer(self, ask: Callable[[], Any], within_s: float) -> Any:
        """What the cluster answers within this time; `OSError` if it does not."""
        try:
            return self._client.sync(ask, callback_timeout=within_s)
        except (RuntimeError, self._distributed.client.CancelledError) as error:
            raise OSError(brief(error) or "the connection was lost") from error

    def _end_client(self) -> None:
        if self._client is not None:
            with contextlib.suppress(OSError, RuntimeError):
                self._client.close(timeout=5)
            self._client = None


_NO_MODULE = re.compile(r"No module named '(harness|history|checkers)\b")
"""So Python says it; Dask makes a plain `Exception` of it."""
_SSL_ERROR = re.compile(r"\[SSL[^\]]*\][^()]*[^() ]|SSLEOFError: [^()]*[^() ]")
"""So OpenSSL says what it does not accept, within a longer text; or that the other side, which did not accept
it, closed the connection before its reason arrived."""
_START_SCHEDULER = "start one with: dask scheduler --port PORT, or use --dask local"
_START = "dask worker ADDRESS --nworkers auto --nthreads 1"


def _in_words(error: OSError) -> str:
    """Why a connection failed. Dask itself repeats the address, and gives the seconds with twelve digits."""
    if isinstance(error, TimeoutError) or "timed out" in str(error).lower():
        return "it took too long"
    return brief(error) or type(error).__name__


def _distributed() -> Any:
    try:
        import distributed
    except ImportError as error:
        raise CouldNotRun("Dask is not installed; install it with: pip install 'ackproof[dask]'") from error
    # What happens to the connection is said by us, in one line each.
    for name in [name for name in logging.root.manager.loggerDict if name.split(".")[0] == "distributed"]:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    return distributed


def _local_cluster(distributed: Any, jobs: int) -> Any:
    """A cluster of this command's own. A worker that takes too much memory is ended by its nanny. Dask does
    nothing else about memory: it writes no results to disk, and lets no worker pause."""
    import dask.config  # here, as only this command needs it

    with dask.config.set(
        {f"distributed.worker.memory.{share}": False for share in ("target", "spill", "pause")}
    ):
        return distributed.LocalCluster(
            n_workers=jobs,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address=None,
            worker_dashboard_address=None,
            memory_limit=memory.MOST_WORKER_BYTES,
            silence_logs=logging.CRITICAL,
        )


def _security(distributed: Any, address: str) -> Any:
    """Dask's own configuration, for tls:// with nothing but encrypted connections; None for plain ones.

    Raises:
        CouldNotRun: it names no certificates, or some that cannot be used.
    """
    if not address.startswith("tls://"):
        return None
    try:
        security = distributed.Security(require_encryption=True)
        has_keys = security.get_connection_args("client")["ssl_context"] is not None
    except (OSError, ValueError) as error:
        raise CouldNotRun(f"Dask's certificates for {address} cannot be used: {brief(error)}") from error
    if not has_keys:
        raise CouldNotRun(
            f"Dask's configuration names no certificates for {address}; docs/scale.md shows how to give them "
            "(DASK_DISTRIBUTED__COMM__TLS__CA_FILE and others)"
        )
    return security


def _difference(what: str, there: str | None, here: str | None) -> str:
    if there is None or here is None:
        return f"{what} is known only {'here' if there is None else 'there'}"
    return f"{what} is {there} there and {here} here"


def _named(items: list[str]) -> str:
    more = f" and {len(items) - MOST_NAMED} more" if len(items) > MOST_NAMED else ""
    return "; ".join(items[:MOST_NAMED]) + more
