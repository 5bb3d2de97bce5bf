"""A client of etcd with a watch: it writes values, and collects what the watch shows of each key."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from harness.client.clients import NotDone, Site, in_words, ok, ok_read
from harness.systems.etcd.gateway import Gateway, Json, prefix, revision_of
from harness.systems.etcd.kv import EtcdClient, key_of, value_of
from history import Operation

START = "watched/"
SILENCE_S = 5.0
"""A stream without an event for so long is given up for a new one, as its node may be cut off."""
PAUSE_S = 0.1


class WatchClient(EtcdClient):
    """`write` of a key, and `watch`: all values of the key that the client's watch was shown so far.

    The watch is opened with the client, from the revision after the one that the store has then. When its
    stream ends, it is resumed from the revision after the last one that it was shown: on the same node, or
    with `fail_over` on the next one, as etcd's own client does.
    """

    def __init__(self, site: Site, *, fail_over: bool = False) -> None:
        super().__init__(site)
        self._nodes: Sequence[str] = _from(site.node, list(site.members)) if fail_over else (site.node,)
        self._shown: dict[str, list[str]] = {}
        self._lock = threading.Lock()
        self._opened = threading.Event()
        self._closed = threading.Event()
        self._next_revision = 0
        self._broken: str | None = None

    def open(self) -> None:
        """Connect, and open the watch.

        Raises:
            NotDone: there is no watch within the time-out.
        """
        super().open()
        self._next_revision = revision_of(self.gateway.ask("kv/range", prefix(START))) + 1
        threading.Thread(target=self._follow, name=f"watch of {self.site.process}", daemon=True).start()
        if not self._opened.wait(max(self.gateway.left_s, 0.0)):
            self._closed.set()
            raise NotDone("the node opened no watch in time")

    def close(self) -> None:
        """Close the connection; the watch ends with its next event or silence."""
        self._closed.set()
        super().close()

    def carry_out(self, operation: Operation) -> Operation:
        """A watch answers at once, with what there is."""
        key = f"{START}{operation.key}"
        match operation.f:
            case "write":
                self.put(key, operation.value)
                return ok(operation)
            case "watch":
                if self._broken is not None:
                    raise NotDone(f"the client's watch has ended: {self._broken}")
                with self._lock:
                    return ok_read(operation, list(self._shown.get(key, ())))
        raise NotDone(f"a watch knows no operation {operation.f!r}")

    def _follow(self) -> None:
        """Follow the stream of one node after the other, until the client is closed."""
        turn = 0
        while not self._closed.is_set():
            node = self._nodes[turn % len(self._nodes)]
            turn += 1
            try:
                self._follow_one(Gateway(self.site.at(node=node), SILENCE_S))
            except NotDone:
                time.sleep(PAUSE_S)
            except Exception as error:  # noqa: BLE001 - a defect: what the watch misses is not etcd's fault
                self._broken = in_words(error)
                return

    def _follow_one(self, gateway: Gateway) -> None:
        request = {**prefix(START), "start_revision": str(self._next_revision)}
        for message in gateway.stream("watch", {"create_request": request}):
            if self._closed.is_set():
                return
            result = message.get("result")
            if result is None or result.get("canceled"):
                raise NotDone(f"the watch was refused: {message}")
            self._opened.set()
            self._take(result.get("events", []))

    def _take(self, events: list[Json]) -> None:
        """Keep what the events show, whatever it is: that it is in order is for the checker to see."""
        with self._lock:
            for event in events:
                if event.get("type", "PUT") == "PUT":
                    self._shown.setdefault(key_of(event["kv"]), []).append(value_of(event["kv"]))
                self._next_revision = int(event["kv"]["mod_revision"]) + 1


def _from(first: str, names: list[str]) -> list[str]:
    """The names in a circle, from one of them on."""
    start = names.index(first)
    return names[start:] + names[:start]
