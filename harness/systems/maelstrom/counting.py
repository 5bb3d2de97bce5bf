"""How many messages the nodes of a run sent: what Maelstrom calls `msgs-per-op`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import msgspec

from harness.systems.maelstrom.system import COUNTS
from history import NEMESIS, History
from history.history import OK


def counted(folder: Path) -> dict[str, int]:
    """The messages of all nodes of a run's folder by who got them: `servers`, `services`, `clients`."""
    total: Counter[str] = Counter()
    for file in sorted(folder.glob(f"nodes/*/data/{COUNTS}")):
        total.update(msgspec.json.decode(file.read_bytes(), type=dict[str, int]))
    return dict(total)


def messages_in_words(folder: Path, history: History) -> str:
    """The same in one line, with the number for each operation that succeeded."""
    total, columns = counted(folder), history.columns
    done = int(((columns.type == OK) & (columns.process != NEMESIS)).sum())
    servers, stores = total.get("servers", 0), total.get("services", 0)
    each = f", {servers / done:.2f} for each operation that succeeded" if done else ""
    return f"Messages  {servers:,} between nodes{each}; {stores:,} to services"
