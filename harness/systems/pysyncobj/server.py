"""One node of PySyncObj: registers, sets and queues that it replicates, offered over HTTP.

    python server.py '{"listen": "127.0.0.1:8080", "self": "127.0.0.1:8081", "others": [...],
                       "conf": {"journalFile": "journal"}, "wait_s": 4.0}'

`POST /call` takes `{"method": NAME, "args": [...]}`. The method is replicated: a command of the log. The
answer is its result, once this node has applied it: `{"reason": 0, "result": ...}`. Another reason is one of
`FAIL_REASON`; `{"reason": null}` says that there was no result within `wait_s` seconds. `POST /peek` takes a
method that reads, and calls it on the state of this node, without the log. `GET /status` says what the node
knows.

The program adds nothing to PySyncObj and takes nothing away: no retries, no second look, no cache.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from pysyncobj import SyncObj, SyncObjConf, SyncObjConsumer, replicated


class Store(SyncObjConsumer):  # type: ignore[misc]  # the library has no types
    """The replicated state. Every method is a command of the log."""

    def __init__(self) -> None:
        super().__init__()
        self.registers: dict[str, Any] = {}
        self.sets: dict[str, list[int]] = {}
        self.queues: dict[str, list[str]] = {}

    @replicated  # type: ignore[untyped-decorator]
    def get(self, key: str) -> Any:
        """The value of a register; None if it was never written."""
        return self.registers.get(key)

    @replicated  # type: ignore[untyped-decorator]
    def members(self, key: str) -> list[int]:
        """The numbers of a set."""
        return list(self.sets.get(key, ()))

    @replicated  # type: ignore[untyped-decorator]
    def put(self, key: str, value: Any) -> None:
        """Set a register; None removes it."""
        if value is None:
            self.registers.pop(key, None)
        else:
            self.registers[key] = value

    @replicated  # type: ignore[untyped-decorator]
    def cas(self, key: str, old: Any, new: Any) -> bool:
        """Set a register if it holds `old`; whether it did."""
        if self.registers.get(key) != old:
            return False
        self.registers[key] = new
        return True

    @replicated  # type: ignore[untyped-decorator]
    def add(self, key: str, value: int) -> None:
        """Add a number to a set."""
        held = self.sets.setdefault(key, [])
        if value not in held:
            held.append(value)

    @replicated  # type: ignore[untyped-decorator]
    def enqueue(self, key: str, value: str) -> None:
        """Put a text at the end of a queue."""
        self.queues.setdefault(key, []).append(value)

    @replicated  # type: ignore[untyped-decorator]
    def dequeue(self, key: str) -> str | None:
        """Take the first text of a queue; None if it is empty."""
        queue = self.queues.get(key)
        return queue.pop(0) if queue else None


METHODS = ("get", "members", "put", "cas", "add", "enqueue", "dequeue")
READS = ("get", "members")


class Node:
    """The store, and the node of PySyncObj that replicates it."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self._wait_s: float = settings["wait_s"]
        self._store = Store()
        conf = SyncObjConf(**settings["conf"])
        self._raft = SyncObj(settings["self"], settings["others"], conf, consumers=[self._store])
        self._status: dict[str, Any] | None = None
        self._raft.addOnTickCallback(self._note_status)

    def call(self, method: str, args: list[Any]) -> dict[str, Any]:
        """Replicate a call, and wait for its result."""
        done = threading.Event()
        answer: dict[str, Any] = {"reason": None}

        def completed(result: Any, reason: int) -> None:
            answer.update(result=result, reason=reason)
            done.set()

        getattr(self._store, method)(*args, callback=completed)
        return dict(answer) if done.wait(self._wait_s) else {"reason": None}

    def peek(self, method: str, args: list[Any]) -> dict[str, Any]:
        """Call a method on this node's own state."""
        return {"reason": 0, "result": getattr(self._store, method)(*args, _doApply=True)}

    def status(self) -> dict[str, Any] | None:
        """What this node knew of the cluster at its last tick; None before the first one."""
        return self._status

    def _note_status(self) -> None:
        """Read the status in PySyncObj's own thread, between two messages.

        While it handles a message, it has the new term already and still the old role, for as long as it
        takes to write the term to the disk.
        """
        raft = self._raft
        leader = raft._getLeader()
        self._status = {
            "role": "leader" if raft._isLeader() else "follower",
            "term": raft.raftCurrentTerm,
            "leader": None if leader is None else leader.address,
            "commit": raft.raftCommitIndex,
            "last": raft.raftLastApplied,
        }


class Handler(BaseHTTPRequestHandler):
    """Answers requests from one connection."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # headers and body leave together
    disable_nagle_algorithm = True
    node: Node

    def do_GET(self) -> None:
        """Answer /status."""
        status = self.node.status()
        if status is None:
            self.send_error(503)
        else:
            self._answer(status)

    def do_POST(self) -> None:
        """Answer /call and /peek."""
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        known, act = (READS, self.node.peek) if self.path == "/peek" else (METHODS, self.node.call)
        if asked["method"] not in known:
            self.send_error(400)
            return
        self._answer(act(asked["method"], asked["args"]))

    def _answer(self, answer: dict[str, Any]) -> None:
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing of requests: the harness records them."""


class Server(ThreadingHTTPServer):
    """Takes connections; its threads do not keep the program from ending."""

    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Show what went wrong, but not that a client gave up its connection."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def main() -> None:
    """Run the node until the process is ended."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    settings = json.loads(sys.argv[1])
    Handler.node = Node(settings)
    host, _, port = settings["listen"].rpartition(":")
    Server((host, int(port)), Handler).serve_forever()


if __name__ == "__main__":
    main()
