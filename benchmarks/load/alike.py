"""Writes the history of a long run of `register` without a run: the lines that null_client.py's runs have.

A run of ten million operations takes minutes of processor time before its analysis can be measured. This
writes as many lines in half a minute: the same clients, nodes, keys and shares of writes and reads, every
reply right, and the same end (the final heal, a first write, and the reads of each key on each node).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

from null_client import NODES

from harness.workload.general.register import KEYS, WRITES_PERCENT

ROUND_NS = 600_000
"""How long operations take here."""


def write_alike(path: Path, operations: int, clients: int) -> int:
    """Write this many operations (each an invocation and a completion) and the end; how many lines."""
    draw, registers, lines = Random(1), dict[str, str](), 0

    def both(begun: int, asked: list[tuple[str, str, str | None]]) -> Iterator[str]:
        """The lines of operations that are open together: f, key and value of each."""
        for client, (f, key, value) in enumerate(asked):
            said = f',"value":"{value}"' if f == "write" else ""
            yield line(begun + client, client, "invoke", f, key, said)
        for client, (f, key, value) in enumerate(asked):
            if f == "write" and value is not None:
                registers[key] = value
            held = registers.get(key)
            said = "" if held is None else f',"value":"{held}"'
            yield line(begun + len(asked) + client, client, "ok", f, key, said)

    def line(index: int, client: int, type_: str, f: str, key: str, said: str) -> str:
        time = index // (2 * clients) * ROUND_NS
        return (
            f'{{"index":{index},"time":{time},"process":{client},"type":"{type_}","f":"{f}","key":"{key}"'
            f'{said},"node":"{NODES[client % len(NODES)]}"}}\n'
        )

    def some(step: int) -> tuple[str, str, str | None]:
        key = f"{KEYS.name}-{step // KEYS.operations_per_slide + int(draw.random() * KEYS.width)}"
        is_write = step % 2 == 0 and draw.random() * 100 < WRITES_PERCENT
        return ("write", key, f"v{step}") if is_write else ("read", key, None)

    with path.open("w", buffering=1 << 20) as file:
        for step in range(0, operations, clients):
            file.writelines(both(lines, [some(step + client) for client in range(clients)]))
            lines += 2 * clients
        heal = f'"time":{lines // (2 * clients) * ROUND_NS},"process":-1'
        file.write(f'{{"index":{lines},{heal},"type":"invoke","f":"final-heal"}}\n')
        done = '"value":{"leader":null,"term":null,"actions":[]}'
        file.write(f'{{"index":{lines + 1},{heal},"type":"info","f":"final-heal",{done}}}\n')
        file.writelines(both(lines + 2, [("write", f"{KEYS.name}-try-{operations}", f"v{operations}")]))
        lines += 4
        for key in KEYS.until(operations):
            file.writelines(both(lines, [("read", key, None)] * len(NODES)))
            lines += 2 * len(NODES)
    return lines
