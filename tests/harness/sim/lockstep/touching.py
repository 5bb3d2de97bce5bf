"""A register on one node whose core touches, at each request, what of the real machine its argument names."""

from __future__ import annotations

import datetime
import json
import os
import random
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

KEPT: list[Any] = []
SEEDED = random.Random(7)


def held(opened: Callable[[], object]) -> None:
    """Open it once, and keep it open."""
    if not KEPT:
        KEPT.append(opened())


def seeded_shared() -> None:
    random.seed(7)
    random.random()


TOUCHES: dict[str, Callable[[], object]] = {
    "nothing": lambda: (SEEDED.random(), datetime.datetime(2026, 1, 1), time.strptime("1", "%S")),
    "seeded": seeded_shared,
    "clock": time.monotonic,
    "clock-ns": time.time_ns,
    "date": datetime.datetime.now,
    "sleep": lambda: time.sleep(0),  # what is to be noticed; nothing waits for it
    "random": random.random,
    "randint": lambda: random.randint(1, 6),
    "unseeded": random.Random,
    "urandom": lambda: os.urandom(4),
    "uuid": uuid.uuid4,
    "file": lambda: Path(sys.argv[0]).read_bytes(),
    "folder": lambda: os.listdir("/"),
    "socket": lambda: socket.socket().close(),
    "thread": lambda: threading.Thread(target=int).start(),
    "process": lambda: subprocess.run(["true"], check=True),
    "held-file": lambda: held(lambda: Path(sys.argv[0]).open()),  # noqa: SIM115 - it stays open
    "held-socket": lambda: held(lambda: socket.create_server(("127.0.0.1", 0))),
    "held-random": lambda: held(lambda: Path("/dev/urandom").open("rb")),  # noqa: SIM115 - as above
    "held-process": lambda: held(lambda: subprocess.Popen(["sleep", "60"])),
}


def main() -> None:
    values: dict[str, Any] = {}
    for text in sys.stdin:
        event = json.loads(text)
        answer: dict[str, Any] = {"answers": event["n"]}
        effects: list[dict[str, Any]] = []
        if event["event"] == "hello":
            time.monotonic()  # before the first event, this is no answer to anything
            answer |= {"protocol": 1, "data_types": ["register"]}
        elif event["event"] == "request":
            TOUCHES[sys.argv[1]]()
            asked = event["request"]
            reply = {"effect": "reply", "id": event["id"], "type": "ok"}
            if asked["f"] == "read":
                reply["value"] = values.get(asked["key"])
            else:
                values[asked["key"]] = asked["value"]
            if sys.argv[2:] == ["answers-it"]:
                reply["value"] = time.monotonic_ns()
            effects = [reply]
        if event["event"] != "hello":
            answer["effects"] = effects
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
