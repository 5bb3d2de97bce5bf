"""The example of the documentation with MessagePack in place of JSON: its first argument is the example."""

from __future__ import annotations

import importlib.util  # the example is a file of the documentation, and no module
import sys

import msgspec


def main() -> None:
    spec = importlib.util.spec_from_file_location("example", sys.argv[1])
    assert spec is not None
    assert spec.loader is not None
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    hello = {"protocol": 1, "holds": "cluster", "traces": "messages", "encoding": "msgpack"}
    number = msgspec.json.decode(sys.stdin.buffer.readline())["n"]
    greeting = {"answers": number, "data_types": ["register", "cas-register"], **hello}
    sys.stdout.buffer.write(msgspec.json.encode(greeting) + b"\n")
    sys.stdout.flush()
    nodes = {}
    while length := sys.stdin.buffer.read(4):
        event = msgspec.msgpack.decode(sys.stdin.buffer.read(int.from_bytes(length, "big")))
        if event["event"] == "start":
            node = nodes[event["node"]] = example.Node(event)
            effects, node.effects = node.effects, []
        else:
            effects = nodes[event["node"]].take(event)
        answer = msgspec.msgpack.encode({"answers": event["n"], "effects": effects})
        sys.stdout.buffer.write(len(answer).to_bytes(4, "big") + answer)
        sys.stdout.flush()


if __name__ == "__main__":
    main()
