"""Does work on the workers of a Dask cluster.

Dask does a piece again when its worker died, and forgets all pieces when its scheduler is restarted. So each
piece is kept here until its result has come: what the scheduler forgot is given to it again, and a result
that comes for a piece that has ended, or from before the restart, is dropped.
"""

from __future__ import annotations

import contextlib
import pickle
import queue
import time
from collections.abc import Callable
from typing import Any, Generic

from harness.errors import CouldNotRun
from harness.executors.dask_cluster import AGAIN_S, DaskCluster
from harness.executors.dask_worker import Done, Refused, digest_of, do
from harness.executors.executor import Ended, K, P, R
from harness.executors.processes import LONGEST_S
from history.files import brief

PIECES_A_WORKER = 2
"""How many pieces each worker has at once: the one that it does, and the next, so that it never waits."""
KEPT = "what was done is kept, and the same command, or --resume of a campaign, goes on"
MOST_REFUSALS = 3
"""How often one piece may come to workers with other code until it is given up, if there is no other."""


class OnDask(Generic[K, P, R]):
    """Does work on a cluster, which it closes at its end."""

    def __init__(
        self,
        perform: Callable[P, R],
        cluster: DaskCluster,
        say: Callable[[str], None],
        longest_s: float = LONGEST_S,
        kept: str = KEPT,
    ) -> None:
        self._perform = perform
        self._cluster = cluster
        self._say = say
        self._longest_s = longest_s
        self._kept = kept
        """What a person may do if the cluster is gone."""
        self._expected = digest_of(cluster.identity)
        self._pieces: dict[K, _Piece] = {}
        self._ended: queue.SimpleQueue[tuple[K, Any]] = queue.SimpleQueue()
        self._refused: dict[str, str] = {}
        """Workers that came with other code, and why they are refused."""
        self._workerless_since: float | None = None

    @property
    def has_room(self) -> bool:
        """Whether the workers there are have less than enough to do."""
        return len(self._pieces) < PIECES_A_WORKER * max(1, len(self._cluster.workers))

    @property
    def is_busy(self) -> bool:
        """Whether any piece has not ended."""
        return bool(self._pieces)

    def begin(self, key: K, *args: P.args, **kwargs: P.kwargs) -> None:
        """Give the piece to the cluster."""
        self._pieces[key] = _Piece(pickle.dumps((self._perform, args, kwargs)))
        with contextlib.suppress(OSError):  # `wait` gives it to the scheduler that comes back
            self._submit(key)

    def wait(self, timeout_s: float) -> list[Ended[K, R]]:
        """What the workers did.

        Raises:
            CouldNotRun: the scheduler or all workers went away and did not come back.
        """
        ended: list[Ended[K, R]] = []
        try:
            for key in [key for key, piece in self._pieces.items() if piece.future is None]:
                self._submit(key)
            futures = self._next_futures(timeout_s)
            ended = self._taken(futures) if futures else []
            self._cluster.look()
            self._take_back()
            self._demand_workers()
        except OSError:
            pass  # the scheduler went away, or is late: what has not come is asked for again
        if self._cluster.is_lost:
            try:
                self._cluster.connect_again(self._say)
            except CouldNotRun as error:
                raise CouldNotRun(f"{error}; {self._kept}") from error
            for piece in self._pieces.values():
                piece.future = None
        return ended + self._overdue()

    def interrupt(self) -> list[Ended[K, R]]:
        """End all at once: such work is quickly done again."""
        self.close()
        return []

    def close(self) -> None:
        """Forget all work; the scheduler does, too, when the connection ends."""
        self._pieces.clear()
        self._cluster.close()

    def _submit(self, key: K) -> None:
        piece = self._pieces[key]
        piece.future = None
        piece.where = frozenset(self._usable()) if self._refused else frozenset()
        future = self._cluster.submit(
            do,
            self._cluster.identity,
            self._expected,
            self._longest_s,
            piece.work,
            only_on=piece.where,
        )
        piece.future, piece.submitted = future, time.monotonic()
        future.add_done_callback(lambda done: self._ended.put((key, done)))

    def _usable(self) -> list[str]:
        """The workers that were not refused."""
        return [worker for worker in self._cluster.workers if worker not in self._refused]

    def _take_back(self) -> None:
        """Let pieces be given to the cluster again whose workers have all gone: Dask would wait for them."""
        workers = frozenset(self._cluster.workers)
        for piece in self._pieces.values():
            if piece.where and piece.where.isdisjoint(workers):
                piece.future = None

    def _next_futures(self, timeout_s: float) -> dict[K, Any]:
        """The futures that are done, by key; without those of pieces that ended or were given again."""
        found = {}
        try:
            key, future = self._ended.get(timeout=timeout_s)
            while True:
                piece = self._pieces.get(key)
                if piece is not None and piece.future is future:
                    found[key] = future
                key, future = self._ended.get_nowait()
        except queue.Empty:
            return found

    def _taken(self, futures: dict[K, Any]) -> list[Ended[K, R]]:
        """The results of these futures, each once."""
        states = {key: future.status for key, future in futures.items()}
        finished = [key for key, state in states.items() if state == "finished"]
        try:
            held = self._cluster.results([futures[key] for key in finished])
        except OSError:
            for key, future in futures.items():  # they are asked for once more
                self._ended.put((key, future))
            raise
        results = dict(zip(finished, held, strict=True))
        forgotten = [key for key, state in states.items() if state not in ("finished", "error")]
        for key in forgotten:
            self._pieces[key].future = None
        if forgotten:
            self._say(f"{self._cluster.address} forgot {len(forgotten)} pieces of work, and gets them again")
        ended = []
        for key in [key for key in futures if key not in forgotten]:
            result = results[key] if key in results else _failure(futures[key])
            if isinstance(result, Refused):
                result = self._refusal(key, result)
            if result is not None:
                del self._pieces[key]
                ended.append(Ended(key, result.result))
        return ended

    def _refusal(self, key: K, refused: Refused) -> Done | None:
        """Give a piece to another worker; or give it up, as all have other code."""
        why = self._cluster.why_refused(refused.identity) or "its code is another"
        if refused.worker not in self._refused:
            self._refused[refused.worker] = why
            self._say(f"the Dask worker {refused.worker} came later and is not used: {why}")
        piece = self._pieces[key]
        piece.refusals += 1
        if piece.refusals > MOST_REFUSALS and not self._usable():
            return Done(f"the Dask worker {refused.worker} is not used: {why}")
        piece.future = None
        return None

    def _demand_workers(self) -> None:
        if self._cluster.workers:
            self._workerless_since = None
        elif self._workerless_since is None:
            self._workerless_since = time.monotonic()
            self._say(
                f"the Dask scheduler {self._cluster.address} has no workers; waiting up to {AGAIN_S:.0f} s "
                "for one"
            )
        elif time.monotonic() - self._workerless_since > AGAIN_S:
            raise CouldNotRun(
                f"the Dask scheduler {self._cluster.address} has had no workers for {AGAIN_S:.0f} s"
            )

    def _overdue(self) -> list[Ended[K, R]]:
        """Pieces that should have ended long ago, wherever they are."""
        longest_s = 2 * PIECES_A_WORKER * self._longest_s + AGAIN_S
        now = time.monotonic()
        overdue = [key for key, piece in self._pieces.items() if now - piece.submitted > longest_s]
        for key in overdue:
            del self._pieces[key]
        return [Ended(key, f"no worker ended it within {longest_s:.0f} s") for key in overdue]


def _failure(future: Any) -> Done:
    """Why Dask could not do a piece."""
    error = future.exception(timeout=AGAIN_S)
    return Done(f"{type(error).__name__}: {brief(error)}")


class _Piece:
    """A piece of work that has not ended."""

    def __init__(self, work: bytes) -> None:
        self.work = work
        self.future: Any = None
        """Its future; None if it is to be given to the cluster once more."""
        self.where: frozenset[str] = frozenset()
        """The workers that alone may do it; empty if any may."""
        self.submitted = time.monotonic()
        self.refusals = 0
