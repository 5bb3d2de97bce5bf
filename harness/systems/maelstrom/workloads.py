"""Maelstrom's workloads by name. It loads nothing else, as the command's help lists them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from harness.client.data_types import (
    APPEND,
    ECHO,
    EVENTUAL_COUNTER,
    EVENTUAL_SET,
    ID,
    KEY_VALUE,
    LOCK,
    MESSAGE_LOG,
    TXN,
)

KAFKA: Final = "kafka"
DATA_TYPES: Mapping[str, str] = {
    "lin-kv": KEY_VALUE,
    "broadcast": EVENTUAL_SET,
    "g-set": EVENTUAL_SET,
    "g-counter": EVENTUAL_COUNTER,
    "pn-counter": EVENTUAL_COUNTER,
    "txn-list-append": APPEND,
    "txn-rw-register": TXN,
    "unique-ids": ID,
    "echo": ECHO,
    "lin-mutex": LOCK,
    KAFKA: MESSAGE_LOG,
}
"""By Maelstrom's workload, the data type that its nodes have."""
