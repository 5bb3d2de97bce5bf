"""A register on one node, as a core that breaks the protocol in the way that its argument names.

It is right without an argument: a write is on the disk before its reply leaves. A second argument chooses the
encoding of its answers.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from typing import Any

import msgspec

BEHAVIOUR = sys.argv[1] if len(sys.argv) > 1 else "right"
ENCODING = sys.argv[2] if len(sys.argv) > 2 else "json"
IS_FRAMED = ENCODING == "msgpack"


def take(event: dict[str, Any], held: dict[str, Any]) -> list[dict[str, Any]]:
    match event["event"]:
        case "start":
            held.clear()
            held["persists"] = 0
            held.update({f"key {key}": value for key, value in event["disk"]})
            return []
        case "request":
            return asked(event["id"], event["request"], held)
    return []


def asked(number: int, request: dict[str, Any], held: dict[str, Any]) -> list[dict[str, Any]]:
    key = f"key {request['key']}"
    reply = {"effect": "reply", "id": number, "type": "ok", "after": held["persists"]}
    if request["f"] == "read":
        return [{**reply, "value": held.get(key)}]
    held[key] = request["value"]
    if BEHAVIOUR == "never-persists":
        return [reply]
    held["persists"] += 1
    persist = {"effect": "persist", "records": [[request["key"], request["value"]]]}
    reply["after"] = held["persists"]
    return [persist, reply]


def odd(answer: dict[str, Any], event: dict[str, Any]) -> bytes:
    """What the core writes in place of its answer to a request."""
    effects: dict[str, dict[str, Any]] = {
        "unknown-effect": {"effect": "sleep"},
        "random": fatal(str(time.monotonic_ns())),
        "gives-up": fatal("nothing goes on here"),
        "to-itself": {"effect": "send", "to": event["node"], "message": 1},
        "replies-to-none": {"effect": "reply", "id": 999, "type": "ok"},
        "waits-for-nothing": {"effect": "reply", "id": event["id"], "type": "ok", "after": 9},
        "traces": {"effect": "trace", "term": 1},
        "bytes": {"effect": "reply", "id": event["id"], "type": "ok", "value": b"\xff"},
    }
    match BEHAVIOUR:
        case "hangs":
            time.sleep(60)  # far longer than the bound of the test, which ends the process
        case "hangs-in-the-middle":
            sys.stdout.buffer.write(written(answer)[:7])
            sys.stdout.flush()
            time.sleep(60)  # as above
        case "dies":
            sys.stderr.write("the core has had enough\n")
            sys.exit(3)
        case "dies-in-the-middle":
            sys.stdout.buffer.write(written(answer)[:7])
            sys.stdout.flush()
            sys.exit(4)
        case "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        case "garbage":
            return b"what?\n"
        case "binary-garbage":
            return bytes([0, 0, 0, 9]) + b"\xff\x00\n\x1b[2Jabc\n"[:9] + b"\n" * (not IS_FRAMED)
        case "twice":
            return written(answer) * 2
        case "other-event":
            answer["answers"] -= 1
        case _ if BEHAVIOUR in effects:
            answer["effects"] = [effects[BEHAVIOUR]]
    return written(answer)


def written(answer: dict[str, Any]) -> bytes:
    if IS_FRAMED:
        text = msgspec.msgpack.encode(answer)
        return len(text).to_bytes(4, "big") + text
    return msgspec.json.encode(answer) + b"\n"


def events() -> Iterator[dict[str, Any]]:
    yield json.loads(sys.stdin.buffer.readline())
    while True:
        if IS_FRAMED:
            size = int.from_bytes(sys.stdin.buffer.read(4), "big")
            text = sys.stdin.buffer.read(size)
        else:
            text = sys.stdin.buffer.readline()
        if not text:
            return
        yield msgspec.msgpack.decode(text) if IS_FRAMED else json.loads(text)


def fatal(reason: str) -> dict[str, Any]:
    return {"effect": "fatal", "reason": reason}


def main() -> None:
    held: dict[str, Any] = {}
    for event in events():
        if event["event"] == "hello":
            version = 2 if BEHAVIOUR == "other-version" else 1
            answer = {"answers": event["n"], "protocol": version, "data_types": ["register"]}
            answer["encoding"] = "morse" if BEHAVIOUR == "other-encoding" else ENCODING
            if BEHAVIOUR == "says-it-traces":
                answer["traces"] = "state"
            if BEHAVIOUR == "written":
                answer["persists"] = "written"
            line = json.dumps(answer).encode() + b"\n"
        else:
            answer = {"answers": event["n"], "effects": take(event, held)}
            line = odd(answer, event) if event["event"] == "request" else written(answer)
        sys.stdout.buffer.write(line)
        sys.stdout.flush()


if __name__ == "__main__":
    main()
