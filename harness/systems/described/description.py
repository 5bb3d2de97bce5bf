"""The keys of a file that describes a system. docs/testing-your-system.md explains them with examples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from harness.systems.base import Links


class Found(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where a value stands in an answer: in JSON, by a pattern in the text, or the whole text."""

    json: str | None = None
    """The path to it, with dots: `kvs.0.value`; a number is the place in a list, and "" the whole."""
    regex: str | None = None
    """A pattern whose first group is the value."""
    equals: Any = None
    """For a yes or no: the value that means yes. Without it, any value means yes."""
    equals_json: str | None = None
    """For a yes or no: the path to the value in the same answer that means yes if both are equal."""
    base64: bool = False
    """Whether the value is text in base64."""
    join: str | None = None
    """The name of a `join` whose part with this value is the node's, where members have numbers."""


class ProcessKeys(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One process of a node."""

    argv: tuple[str, ...]
    environment: Mapping[str, str] = {}
    name: str = ""


class FileKeys(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A file that is written before a node starts."""

    path: str
    content: str
    once: bool = False


class JoinKeys(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A text that is made of one part for each member: the list of all nodes, as the program wants it."""

    each: str
    separator: str = ","
    of: Literal["members", "peers"] = "members"


class StatusKeys(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How a node is asked for its status."""

    request: str | None = None
    """An HTTP request, `GET /status`."""
    body: str = ""
    send: str | None = None
    """A text that is sent over a connection of its own; the answer is all until the node closes it."""
    port: str = "client"
    is_leader: Found
    term: Found | None = None
    leader: Found | None = None
    """The name of the leader that the node names."""


class CallKeys(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How one operation is carried out over HTTP."""

    request: str
    """`PUT /registry/{key}?weight=1`."""
    body: str = ""
    headers: Mapping[str, str] = {}
    ok: tuple[int, ...] = (200, 201, 202, 204)
    """The statuses that mean that it was done."""
    refused: tuple[int, ...] = ()
    """The statuses that mean that it certainly was not done, and will not be."""
    absent: tuple[int, ...] = (404,)
    """For a read or a dequeue: the statuses that mean that there is nothing."""
    value: Found | None = None
    """For a read, or a dequeue: where the value stands. A value that is not there is null."""
    unequal: tuple[int, ...] = ()
    """For a compare-and-set: the statuses that mean that another value was there."""
    unequal_unless: Found | None = None
    """For a compare-and-set: another value was there unless this is so."""


class BoundsKeys(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How long the system's own steps take, in seconds; see `Bounds` in harness/systems/base.py."""

    start_s: float = 10.0
    leader_s: float = 30.0
    stop_s: float = 3.0
    request_s: float = 2.5
    fault_s: tuple[float, float] = (2.0, 3.0)
    calm_s: tuple[float, float] = (1.5, 2.0)
    recovery_s: float = 10.0
    settle_s: float = 0.0


class Description(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole file."""

    name: str
    ports: Mapping[str, int]
    """By name, with the usual number; `client` is where clients and the status are answered."""
    process: tuple[ProcessKeys, ...]
    status: StatusKeys
    operations: Mapping[str, Mapping[str, CallKeys]]
    """By data type, by operation."""
    links: Links = "addresses"
    peer_port: str | None = None
    file: tuple[FileKeys, ...] = ()
    join: Mapping[str, JoinKeys] = {}
    bounds: BoundsKeys = BoundsKeys()
    stop_statuses: tuple[int, ...] = (0,)
    damageable: tuple[str, ...] = ("**/*",)
