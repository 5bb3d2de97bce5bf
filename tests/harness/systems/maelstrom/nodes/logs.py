#!/usr/bin/env python3
"""A node with message logs for the tests; n0 keeps them. It is started under the name of its behaviour."""

import json
import sys
from pathlib import Path
from typing import Any

behaviour = Path(sys.argv[0]).name
me = ""
logs: dict[str, list[Any]] = {}
committed: dict[str, int] = {}


def send(dest: str, **body: Any) -> None:
    """Send one message."""
    sys.stdout.write(json.dumps({"src": me, "dest": dest, "body": body}) + "\n")
    sys.stdout.flush()


def answer(body: dict[str, Any]) -> dict[str, Any]:
    """What n0 answers."""
    match body["type"]:
        case "send":
            log = logs.setdefault(body["key"], [])
            if not (behaviour == "forgetful" and len(log) % 5 == 3 and log[-1] is not None):
                log.append(body["msg"])
                return {"offset": len(log) - 1}
            log.append(None)
            return {"offset": len(log) - 1}
        case "poll":
            least = 1 if behaviour == "impatient" else 0
            shown = {
                key: [[at, value] for at, value in enumerate(logs.get(key, [])) if at >= offset + least]
                for key, offset in body["offsets"].items()
            }
            return {
                "msgs": {key: [pair for pair in pairs if pair[1] is not None] for key, pairs in shown.items()}
            }
        case "commit_offsets":
            committed.update(body["offsets"])
            return {}
        case "list_committed_offsets":
            ahead = 1000 if behaviour == "boastful" else 0
            return {"offsets": {key: committed[key] + ahead for key in body["keys"] if key in committed}}
    raise ValueError(body["type"])


for line in sys.stdin:
    message = json.loads(line)
    source, body = message["src"], message["body"]
    if body["type"] == "init":
        me = body["node_id"]
        send(source, type="init_ok", in_reply_to=body["msg_id"])
    elif "in_reply_to" in body:
        source, number = json.loads(body["in_reply_to"])
        send(source, **{**body, "in_reply_to": number})
    elif me != "n0":
        send("n0", **{**body, "msg_id": json.dumps([source, body["msg_id"]])})
    else:
        send(source, type=body["type"] + "_ok", in_reply_to=body["msg_id"], **answer(body))
