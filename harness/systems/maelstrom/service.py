"""What Maelstrom's services promise, as plain objects: each takes a request and gives an answer.

- `lin-kv` is linearizable: one store.
- `seq-kv` is sequentially consistent: a client may be shown a state of the past, but never one older than the
  newest that it has met. Here reads are answered so; writes and cas meet the newest state.
- `lww-kv` has five replicas that exchange what they hold now and then; the last write wins, by clocks that
  are a little apart. It may forget writes, on purpose.
- `lin-tso` gives each request a greater number than the one before.

The requests and the numbers of errors are those of Maelstrom's documentation (services.md, protocol.md).
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

NOT_SUPPORTED, MALFORMED, NO_KEY, PRECONDITION = 10, 12, 20, 22
REPLICAS = 5
CLOCK_SPREAD = 3
"""By how many requests the clocks of the replicas differ at most."""


class Service(Protocol):
    """One service."""

    def answer(self, client: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """The body of the answer to a request, without the numbers of the messages."""
        ...


class Failed(Exception):
    """A request that is answered with an error.

    Args:
        code: the number of Maelstrom's error.
        text: what is wrong.
    """

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code

    def body(self) -> dict[str, Any]:
        """The body of the answer."""
        return {"type": "error", "code": self.code, "text": str(self)}


def key_of(body: Mapping[str, Any]) -> bytes:
    """The key of a request: any JSON value, so its text stands for it."""
    if "key" not in body:
        raise Failed(MALFORMED, "the request has no key")
    return msgspec.json.encode(body["key"])


def compared(body: Mapping[str, Any], has_key: bool, held: Any) -> Any:
    """The new value of a cas, if what is held allows it.

    Raises:
        Failed: it does not.
    """
    if not has_key and not body.get("create_if_not_exists"):
        raise Failed(NO_KEY, "the key does not exist")
    if has_key and held != body.get("from"):
        raise Failed(PRECONDITION, f"the key holds {held!r}, not {body.get('from')!r}")
    return body.get("to")


class LinearizableStore:
    """`lin-kv`, and with past states that reads may show, `seq-kv`."""

    def __init__(self, chance: random.Random | None = None) -> None:
        self._versions: dict[bytes, list[tuple[int, Any]]] = {}
        self._version = 0
        self._met: dict[str, int] = {}
        self._chance = chance

    def answer(self, client: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to read, write or cas."""
        match body.get("type"):
            case "read":
                return {"type": "read_ok", "value": self._read(client, key_of(body))}
            case "write":
                self._put(client, key_of(body), body.get("value"))
                return {"type": "write_ok"}
            case "cas":
                versions = self._versions.get(key_of(body), [])
                held = versions[-1][1] if versions else None
                self._put(client, key_of(body), compared(body, bool(versions), held))
                return {"type": "cas_ok"}
        raise Failed(NOT_SUPPORTED, f"there is no request {body.get('type')!r} here")

    def _read(self, client: str, key: bytes) -> Any:
        seen = self._version
        if self._chance is not None and self._chance.random() < 0.5:
            seen = self._chance.randint(self._met.get(client, 0), self._version)
        self._met[client] = seen
        for version, value in reversed(self._versions.get(key, [])):
            if version <= seen:
                return value
        raise Failed(NO_KEY, "the key does not exist")

    def _put(self, client: str, key: bytes, value: Any) -> None:
        self._version += 1
        self._versions.setdefault(key, []).append((self._version, value))
        if self._chance is None:
            del self._versions[key][:-1]  # nothing shows the past
        self._met[client] = self._version


class LastWriteWins:
    """`lww-kv`."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._replicas: list[dict[bytes, tuple[float, Any]]] = [{} for _ in range(REPLICAS)]
        self._skew = [chance.uniform(0, CLOCK_SPREAD) for _ in range(REPLICAS)]
        self._requests = 0

    def answer(self, client: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """The answer of a drawn replica to read, write or cas."""
        del client  # any replica answers anyone
        self._requests += 1
        self._exchange()
        place = self._chance.randrange(REPLICAS)
        replica = self._replicas[place]
        held = replica.get(key_of(body))
        now = self._requests + self._skew[place]
        match body.get("type"):
            case "read":
                if held is None:
                    raise Failed(NO_KEY, "the key does not exist")
                return {"type": "read_ok", "value": held[1]}
            case "write":
                replica[key_of(body)] = (now, body.get("value"))
                return {"type": "write_ok"}
            case "cas":
                new = compared(body, held is not None, None if held is None else held[1])
                replica[key_of(body)] = (now, new)
                return {"type": "cas_ok"}
        raise Failed(NOT_SUPPORTED, f"there is no request {body.get('type')!r} here")

    def _exchange(self) -> None:
        """Two drawn replicas keep the later write of each key."""
        one, other = self._chance.sample(self._replicas, 2)
        for key in {*one, *other}:
            newest = max(
                (held for held in (one.get(key), other.get(key)) if held is not None),
                key=lambda held: held[0],
            )
            one[key] = other[key] = newest


class Timestamps:
    """`lin-tso`."""

    def __init__(self) -> None:
        self._last = -1

    def answer(self, client: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """The next number."""
        del client  # all share the numbers
        if body.get("type") != "ts":
            raise Failed(NOT_SUPPORTED, f"there is no request {body.get('type')!r} here")
        self._last += 1
        return {"type": "ts_ok", "ts": self._last}


def services(seed: int) -> dict[str, Service]:
    """The services by the names that nodes send to."""
    return {
        "lin-kv": LinearizableStore(),
        "seq-kv": LinearizableStore(random.Random(seed)),
        "lww-kv": LastWriteWins(random.Random(seed)),
        "lin-tso": Timestamps(),
    }
