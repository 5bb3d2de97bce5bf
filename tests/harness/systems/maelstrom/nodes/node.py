#!/usr/bin/env python3
"""A small node for the tests. It is started under the name of its behaviour."""

import json
import sys
import time
from pathlib import Path
from typing import Any

behaviour = Path(sys.argv[0]).name
me = ""
others: list[str] = []
numbers: set[int] = set()


def send(dest: str, **body: Any) -> None:
    """Send one message."""
    sys.stdout.write(json.dumps({"src": me, "dest": dest, "body": body}) + "\n")
    sys.stdout.flush()


for line in sys.stdin:
    message = json.loads(line)
    source, body = message["src"], message["body"]
    reply = {"in_reply_to": body.get("msg_id"), "type": body["type"] + "_ok"}
    match body["type"]:
        case "init":
            me = body["node_id"]
            others = [name for name in body["node_ids"] if name != me]
        case "topology":
            pass  # the node sends to all others, or to none
        case "echo" if behaviour == "garbage" and me == "n2":
            sys.stdout.write("not a message\n")
            sys.stdout.flush()
            time.sleep(60)
        case "echo":
            reply["echo"] = body["echo"] if behaviour != "shout" else body["echo"].upper()
        case "generate":
            reply["id"] = f"{me}-{body['msg_id']}" if behaviour == "per-connection" else time.time_ns()
        case "broadcast":
            numbers.add(body["message"])
            if behaviour == "spread":
                for other in others:
                    send(other, type="spread", numbers=sorted(numbers))
        case "spread":
            numbers |= set(body["numbers"])
            continue
        case "read" if "key" in body:
            send("lin-kv", type="read", key=body["key"], msg_id=json.dumps([source, body["msg_id"]]))
            continue
        case "write" | "cas":
            send("lin-kv", **{**body, "msg_id": json.dumps([source, body["msg_id"]])})
            continue
        case "read":
            reply["messages"] = sorted(numbers)
        case _:  # the answer of a service
            source, number = json.loads(body["in_reply_to"])
            send(source, **{**body, "in_reply_to": number})
            continue
    send(source, **reply)
