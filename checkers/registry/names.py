"""The names of operations and keys in the `registry` workload.

Keys are `SERVICE/ip:port` for register, update, deregister and lookup, and `SERVICE` for lists. A list's
value maps `ip:port` to the registration id found there; an absent instance holds none.
"""

from __future__ import annotations

from typing import Any

REGISTER = "register"
DEREGISTER = "deregister"
LOOKUP = "lookup"
LIST = "list"
FINAL_LIST = "final-list"
SUBSCRIBE = "subscribe"
"""A list that a node may keep back until the service changes: it shows a moment before its answer."""
FINAL_LOCAL = "final-local"
STALE_LOOKUP = "stale-lookup"
STALE_LIST = "stale-list"
UPDATE = "update"
"""Gives a registered instance another registration id; the reply False means that there was none."""
BEAT = "beat"
TAKEN = "taken"
"""The reply to a beat of an instance that the node has."""
EXPIRE = "expire"
"""The first part of the op of an entry that a leader wrote since no beat came."""

WRITES = (REGISTER, UPDATE, DEREGISTER)
LISTS = (LIST, FINAL_LIST, SUBSCRIBE)
STALE_READS = (STALE_LOOKUP, STALE_LIST, FINAL_LOCAL)
"""Reads of one node's own state, which do not claim to be recent: never judged as linearizable."""
MEMBERS = "members"
"""An operation of the `membership` workload, which concerns no instance."""
CLIENT_OPERATIONS = frozenset({*WRITES, LOOKUP, *LISTS, *STALE_READS, MEMBERS})
"""All operations of this workload's clients; what any other operation changes is not known."""


def service_of(key: str) -> str:
    """The service that an instance key, or a list's own key, belongs to."""
    return key.partition("/")[0]


def instance_key(service: str, instance: str) -> str:
    """The key of one instance of a service."""
    return f"{service}/{instance}"


def reply_in_words(value: Any) -> str:
    """What a reply shows: `r7`, `10.0.0.1:80 r7, 10.0.0.2:80 r8`, or `nothing`."""
    match value:
        case None:
            return "nothing"
        case str():
            return value
        case dict():
            return ", ".join(f"{name} {held}" for name, held in value.items()) or "nothing"
        case _:
            return repr(value)


def as_listing(value: Any) -> dict[str, str] | None:
    """The value of a list as registration ids by instance; None if it is no mapping from text to text."""
    if not isinstance(value, dict):
        return None
    if not all(isinstance(k, str) and isinstance(v, str) for k, v in value.items()):
        return None
    return value
