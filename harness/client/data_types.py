"""The data types that workloads use: what a client must be able to do to a system.

A workload names the one that it needs. A system has a client for each that it has
(`System.codecs`, harness/systems/base.py). So a workload knows no system, and a system no workload.

A data type is also a promise. Two types may have the same operations and promise different things, as `queue`
and `fifo-queue`: a system has only those whose promise its makers give.

Every client keeps to these rules. A read that got no proper answer is `fail`: it changed nothing. A write
whose outcome is not known is `info`. It is `fail` only if it certainly did not happen and never will.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

REGISTER: Final = "register"
CAS_REGISTER: Final = "cas-register"
SET: Final = "set"
QUEUE: Final = "queue"
FIFO_QUEUE: Final = "fifo-queue"
LOCK: Final = "lock"
APPEND: Final = "append"
TXN: Final = "txn"
WATCH: Final = "watch"
STATE: Final = "state"
INSTANCE: Final = "instance"
STALE_INSTANCE: Final = "stale-instance"
EXPIRING_INSTANCE: Final = "expiring-instance"
REGISTRY: Final = "registry"
SUBSCRIPTION: Final = "subscription"
EPHEMERAL: Final = "ephemeral"
MEMBERS: Final = "members"
KEY_VALUE: Final = "key-value"
EVENTUAL_SET: Final = "eventual-set"
EVENTUAL_COUNTER: Final = "eventual-counter"
ID: Final = "id"
ECHO: Final = "echo"
MESSAGE_LOG: Final = "message-log"

SUBSCRIBE: Final = "subscribe"
"""The operation of a subscription; its value is a time in milliseconds."""

DATA_TYPES: Mapping[str, str] = {
    REGISTER: "read and write of a key; linearizable; a key that was never written reads as null",
    CAS_REGISTER: "as register; also cas from [old, new], which is ok with false if another value was there; "
    "a write of null removes the key",
    SET: "add of a whole number to a key; read of a key as the list of all; linearizable",
    QUEUE: "enqueue of a text, each once, to a key; dequeue of a key, which is ok with null if it is empty; "
    "what was put in comes out at least once",
    FIFO_QUEUE: "as queue; linearizable: what was put in comes out once, first in first out",
    LOCK: "acquire of a key, which is fail if it was not got, and else ok with a fencing number or null; "
    "release, which is ok if the lock was held until now, and fail if it certainly was not",
    APPEND: 'txn of steps ["append", key, number] and ["r", key, null], ok with the lists that were read; '
    "strictly serializable",
    TXN: 'txn of steps ["w", key, number] and ["r", key, null], ok with the values that were read; '
    "strictly serializable",
    WATCH: "write of a text, each once, to a key; watch of a key: the list of all values of the key that "
    "this client's watch, open since the client began, was shown so far, in order, each once",
    STATE: "as cas-register; also hash of a node: the index of the last entry that it applied, and its state",
    INSTANCE: "register, deregister and lookup of one instance; linearizable",
    STALE_INSTANCE: "as instance; a lookup may lag behind, and no registration is lost",
    EXPIRING_INSTANCE: "as stale-instance, but register also keeps the instance alive from then on, as "
    "a live service does, and deregister only ends that: the system must then remove the instance by itself",
    REGISTRY: "as instance; also update, list, stale-lookup, stale-list, final-list and final-local",
    SUBSCRIPTION: "as registry; also subscribe of a service, with a time in ms: the list as soon as the "
    "service changed since the newest reply that any client had, or when the time is over",
    EPHEMERAL: "as registry, but an instance expires unless it sends beats; also beat",
    MEMBERS: "as registry; also members: which nodes a node counts as the cluster's members",
    KEY_VALUE: "read, write and cas of whole numbers, as cas-register; nothing is removed",
    EVENTUAL_SET: "add of a whole number; read of all; a read may lag behind, and in the end every node "
    "shows all",
    EVENTUAL_COUNTER: "add of a whole number; read of the sum; a read may lag behind, and in the end every "
    "node shows the sum",
    ID: "generate, ok with an id that was never given before",
    ECHO: "echo of a value, ok with the same value",
    MESSAGE_LOG: "send of a whole number, each once, to a log; assign of logs to a reader, from what readers "
    "committed or from the start; poll of these, which commits how far it read; final-poll of a whole log",
}
"""By name, the operations that a client can ask for, and what the system promises of them."""

_OF_REGISTER = frozenset({"read", "write"})
_OF_CAS_REGISTER = _OF_REGISTER | {"cas"}
_OF_QUEUE = frozenset({"enqueue", "dequeue"})
_OF_INSTANCE = frozenset({"register", "deregister", "lookup"})
_OF_REGISTRY = _OF_INSTANCE | {"update", "list", "stale-lookup", "stale-list", "final-list", "final-local"}

OPERATIONS: Mapping[str, frozenset[str]] = {
    REGISTER: _OF_REGISTER,
    CAS_REGISTER: _OF_CAS_REGISTER,
    SET: frozenset({"add", "read"}),
    QUEUE: _OF_QUEUE,
    FIFO_QUEUE: _OF_QUEUE,
    LOCK: frozenset({"acquire", "release"}),
    APPEND: frozenset({"txn"}),
    TXN: frozenset({"txn"}),
    WATCH: frozenset({"write", "watch"}),
    STATE: _OF_CAS_REGISTER | {"hash"},
    INSTANCE: _OF_INSTANCE,
    STALE_INSTANCE: _OF_INSTANCE,
    EXPIRING_INSTANCE: _OF_INSTANCE,
    REGISTRY: _OF_REGISTRY,
    SUBSCRIPTION: _OF_REGISTRY | {SUBSCRIBE},
    EPHEMERAL: _OF_REGISTRY | {"beat"},
    MEMBERS: _OF_REGISTRY | {"members"},
    KEY_VALUE: _OF_CAS_REGISTER,
    EVENTUAL_SET: frozenset({"add", "read"}),
    EVENTUAL_COUNTER: frozenset({"add", "read"}),
    ID: frozenset({"generate"}),
    ECHO: frozenset({"echo"}),
    MESSAGE_LOG: frozenset({"send", "assign", "poll", "final-poll"}),
}
"""By data type, the names of all its operations."""

REGISTRY_WRITES = frozenset({"register", "update", "deregister"})
"""The operations of instance and registry that change something."""

READS = frozenset(
    {
        "read",
        "lookup",
        "list",
        "stale-lookup",
        "stale-list",
        SUBSCRIBE,
        "final-list",
        "final-local",
        "members",
        "watch",
        "hash",
        "poll",
        "final-poll",
        "assign",
    }
)
"""The operations that change nothing, of every data type: without an answer they have failed. A dequeue takes
something out, and a `txn` may write: without an answer their outcome is unknown."""
