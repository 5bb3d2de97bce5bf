"""Three members of etcd on loopback, for scripts of this folder: started, killed, and asked over HTTP."""

from __future__ import annotations

import base64
import http.client
import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from saying import end_with_parent

PORTS = {"a": 24100, "b": 24110, "c": 24120}
"""By member: the client port; the peer port is the next one."""
ANSWER_BOUND_S = 4.0
STEP_BOUND_S = 45.0


class Members:
    """The members, as processes."""

    def __init__(self, binary: str, folder: Path, more: list[str]) -> None:
        self._binary = binary
        self._folder = folder
        self._more = more
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str) -> None:
        """Start a member, for the first time or again."""
        port = PORTS[name]
        client, peer = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{port + 1}"
        every = ",".join(f"{one}=http://127.0.0.1:{at + 1}" for one, at in PORTS.items())
        argv = [
            *(self._binary, "--name", name, "--data-dir", str(self._folder / name)),
            *("--listen-client-urls", client, "--advertise-client-urls", client),
            *("--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer),
            *("--initial-cluster", every),
            *self._more,
        ]
        with (self._folder / f"{name}.txt").open("ab") as log:
            self.running[name] = subprocess.Popen(argv, stdout=log, stderr=log, preexec_fn=end_with_parent)

    def kill(self, *names: str) -> None:
        """End members with SIGKILL."""
        for name in names:
            self.running[name].kill()
            self.running[name].wait()

    def has_ended(self, name: str) -> int | None:
        """The exit status of a member that ended by itself."""
        return self.running[name].poll()


def version_of(binary: str) -> str:
    """What the program says of its version."""
    said = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True).stdout
    return said.partition("Version: ")[2].split()[0]


def ask(name: str, path: str, body: dict[str, Any], bound_s: float = ANSWER_BOUND_S) -> dict[str, Any] | None:
    """What a member answers; None without an answer within the bound."""
    connection = http.client.HTTPConnection("127.0.0.1", PORTS[name], timeout=bound_s)
    try:
        connection.request("POST", path, json.dumps(body))
        reply = connection.getresponse()
        answer: dict[str, Any] = json.loads(reply.read())
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()
    return answer if reply.status == http.client.OK else None


def encoded(text: str) -> str:
    """A key or value as etcd's JSON has it."""
    return base64.b64encode(text.encode()).decode()


def put(name: str, key: str, **more: str) -> bool:
    """Whether a member acknowledged the put of a key."""
    body = {"key": encoded(key), "value": encoded("v" * 40), **more}
    return ask(name, "/v3/kv/put", body) is not None


def keys(name: str) -> set[str] | None:
    """The keys that a member shows in a linearizable read."""
    found = ask(name, "/v3/kv/range", {"key": encoded("a"), "range_end": encoded("z"), "keys_only": True})
    if found is None:
        return None
    return {base64.b64decode(one["key"]).decode() for one in found.get("kvs", [])}


def until(holds: Callable[[], object]) -> bool:
    """Wait until it holds; False after the bound."""
    deadline = time.monotonic() + STEP_BOUND_S
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.3)  # between two looks at what is waited for
    return True
