"""A register on one node, as a core that breaks the protocol in the way that its argument names.

It is right without an argument: a write is on the disk before its reply leaves.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from typing import Any

BEHAVIOUR = sys.argv[1] if len(sys.argv) > 1 else "right"


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


def odd(line: str, event: dict[str, Any]) -> str:
    """What the core writes in place of its answer to a request."""
    match BEHAVIOUR:
        case "hangs":
            time.sleep(60)  # far longer than the bound of the test, which ends the process
        case "dies":
            sys.stderr.write("the core has had enough\n")
            sys.exit(3)
        case "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        case "garbage":
            return "what?"
        case "twice":
            return f"{line}\n{line}"
        case "other-event":
            return line.replace(f'"answers": {event["n"]}', f'"answers": {event["n"] - 1}')
        case "unknown-effect":
            return json.dumps({"answers": event["n"], "effects": [{"effect": "sleep"}]})
        case "random":
            return json.dumps({"answers": event["n"], "effects": [fatal(str(time.monotonic_ns()))]})
        case "gives-up":
            return json.dumps({"answers": event["n"], "effects": [fatal("nothing goes on here")]})
        case "to-itself":
            return json.dumps(
                {"answers": event["n"], "effects": [{"effect": "send", "to": event["node"], "message": 1}]}
            )
        case "replies-to-none":
            reply = {"effect": "reply", "id": 999, "type": "ok"}
            return json.dumps({"answers": event["n"], "effects": [reply]})
        case "waits-for-nothing":
            reply = {"effect": "reply", "id": event["id"], "type": "ok", "after": 9}
            return json.dumps({"answers": event["n"], "effects": [reply]})
        case "traces":
            return json.dumps({"answers": event["n"], "effects": [{"effect": "trace", "term": 1}]})
    return line


def fatal(reason: str) -> dict[str, Any]:
    return {"effect": "fatal", "reason": reason}


def main() -> None:
    held: dict[str, Any] = {}
    for text in sys.stdin:
        event = json.loads(text)
        if event["event"] == "hello":
            version = 2 if BEHAVIOUR == "other-version" else 1
            answer = {"answers": event["n"], "protocol": version, "data_types": ["register"]}
            if BEHAVIOUR == "says-it-traces":
                answer["traces"] = "state"
            line = json.dumps(answer)
        else:
            line = json.dumps({"answers": event["n"], "effects": take(event, held)})
            if event["event"] == "request":
                line = odd(line, event)
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
