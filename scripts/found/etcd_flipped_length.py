"""One flipped bit in the log of one etcd member: does it refuse to start, or forget what it acknowledged?

    python scripts/found/etcd_flipped_length.py PATH_OF_ETCD [--bit 30] [--back 60] [ARGUMENT_OF_ETCD...]

Three members on loopback. While c is down, a and b acknowledge puts; both are killed. One bit of the length
of a record of a's log flips; a and c start, and b stays away. What c then reads linearizably is compared with
what was acknowledged (docs/found.md, etcd). Takes half a minute; exits with 1 if writes were lost.
"""

from __future__ import annotations

import argparse
import base64
import http.client
import json
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

PORTS = {"a": 24100, "b": 24110, "c": 24120}
"""By member: the client port; the peer port is the next one."""
PUTS = 80
STEP_BOUND_S = 45.0
_LENGTH_BITS = 56
"""Of the eight bytes before a record, this number of bits is its length; those above are its padding."""


class Members:
    """Three members, as processes."""

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
            *("--initial-cluster", every, "--heartbeat-interval", "200", "--election-timeout", "2000"),
            *self._more,
        ]
        with (self._folder / f"{name}.txt").open("ab") as log:
            self.running[name] = subprocess.Popen(argv, stdout=log, stderr=log)

    def kill(self, *names: str) -> None:
        """End members with SIGKILL."""
        for name in names:
            self.running[name].kill()
            self.running[name].wait()

    def has_ended(self, name: str) -> int | None:
        """The exit status of a member that ended by itself."""
        return self.running[name].poll()


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def ask(name: str, path: str, body: dict[str, Any]) -> dict[str, Any] | None:
    """What a member answers; None without an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", PORTS[name], timeout=4)
    try:
        connection.request("POST", path, json.dumps(body))
        reply = connection.getresponse()
        answer: dict[str, Any] = json.loads(reply.read())
    except (OSError, http.client.HTTPException, ValueError):
        return None
    return answer if reply.status == http.client.OK else None


def encoded(text: str) -> str:
    """A key or value as etcd's JSON has it."""
    return base64.b64encode(text.encode()).decode()


def put(name: str, key: str) -> bool:
    """Whether a member acknowledged the put of a key."""
    return ask(name, "/v3/kv/put", {"key": encoded(key), "value": encoded("v" * 40)}) is not None


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


def flip(log: Path, bit: int, back: int) -> int:
    """Flip one bit of the length of the record that is `back` records before the end; the file's records."""
    raw, at, begins = bytearray(log.read_bytes()), 0, []
    while length := struct.unpack_from("<q", raw, at)[0]:
        begins.append(at)
        padding = length >> _LENGTH_BITS & 7 if length < 0 else 0
        at += 8 + (length & (1 << _LENGTH_BITS) - 1) + padding
    raw[begins[-back] + bit // 8] ^= 1 << bit % 8
    log.write_bytes(raw)
    return len(begins)


def main() -> int:
    """Carry out the steps; 1 if acknowledged writes were lost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("binary")
    parser.add_argument("--bit", type=int, default=30)
    parser.add_argument("--back", type=int, default=60)
    given, more = parser.parse_known_args()
    with tempfile.TemporaryDirectory(prefix="flipped-") as text:
        folder = Path(text)
        members = Members(given.binary, folder, more)
        try:
            for name in PORTS:
                members.start(name)
            if not until(lambda: put("a", "first")) or not until(lambda: "first" in (keys("c") or ())):
                say("the members do not serve")
                return 255
            members.kill("c")
            until(lambda: put("a", "first"))
            acknowledged = {key for number in range(PUTS) if put("a", key := f"key-{number:03}")}
            members.kill("a", "b")
            (log,) = (folder / "a" / "member" / "wal").glob("*.wal")
            records = flip(log, given.bit, given.back)
            members.start("a")
            members.start("c")
            until(lambda: members.has_ended("a") is not None or put("c", "last"))
            say(f"{records} records, bit {given.bit} of the length of the last but {given.back} flipped")
            if members.has_ended("a") is not None:
                say(f"a refused to start, with status {members.has_ended('a')}")
                return 0
            shown = keys("c")
            left = "nothing" if shown is None else f"{len(acknowledged & shown)} of {len(acknowledged)} keys"
            say(f"a started; c answers a linearizable read with {left} that a and b acknowledged")
            return int(shown is not None and not acknowledged <= shown)
        finally:
            members.kill(*members.running)


if __name__ == "__main__":
    sys.exit(main())
