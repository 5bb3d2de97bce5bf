"""Which remote hosts there are: a nodes file, or names on the command line.

One host a line, `[user@]host[:port]`, then options as `name=value`; `#` begins a comment:

```
# hosts.txt
10.0.0.1
admin@10.0.0.2:2222     key=~/.ssh/lab
db3                     python=/usr/bin/python3.11 address=192.168.5.3
```

`host` may be an alias of ~/.ssh/config, whose HostName, User, Port, IdentityFile, ProxyJump, ProxyCommand
and UserKnownHostsFile hold where the line says nothing else. Nodes are called n1, n2, ... in this order.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import msgspec

from harness.suggest import unknown_name

_WHERE = re.compile(r"(?:(?P<user>[^@\s]+)@)?(?P<host>\[[^\]]+\]|[^:\s]+)(?::(?P<port>\d+))?")
_OPTIONS = ("key", "python", "address", "folder", "known_hosts", "config")


class InventoryError(ValueError):
    """The nodes file cannot be used; the message says where and why."""


class HostSpec(msgspec.Struct, frozen=True):
    """How one host is reached. What is None is taken from ssh_config, or is SSH's default."""

    name: str
    """The node's."""
    host: str
    user: str | None = None
    port: int | None = None
    key: str | None = None
    """A private key's file; without one, the agent and the usual files are tried."""
    python: str = "python3"
    address: str | None = None
    """Where clients and other nodes reach it, if not at the host's own name."""
    folder: str = ".ackproof"
    """The run's folder is made in it; relative to the home folder."""
    known_hosts: str | None = None
    config: str | None = None
    """An ssh_config; None for ~/.ssh/config."""

    def __str__(self) -> str:
        user = f"{self.user}@" if self.user else ""
        port = f":{self.port}" if self.port else ""
        return f"{self.name} ({user}{self.host}{port})"


def read_inventory(path: Path) -> tuple[HostSpec, ...]:
    """The hosts of a nodes file, in order.

    Raises:
        InventoryError: it cannot be read, is empty, or a line is wrong.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InventoryError(f"the nodes file {path} cannot be read: {error}") from error
    return parse_inventory(lines, str(path))


def parse_inventory(lines: Sequence[str], where: str) -> tuple[HostSpec, ...]:
    """The hosts that these lines name. `where` is for messages.

    Raises:
        InventoryError: there is none, or a line is wrong.
    """
    specs: list[HostSpec] = []
    seen: dict[tuple[str, int | None], int] = {}
    for number, line in enumerate(lines, start=1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        spec = _parse(words, f"n{len(specs) + 1}", f"{where}, line {number}")
        earlier = seen.setdefault((spec.host, spec.port), number)
        if earlier != number:
            raise InventoryError(f"{where}, line {number}: {spec.host} stands in line {earlier} already")
        specs.append(spec)
    if not specs:
        raise InventoryError(f"{where} names no host; write one a line, as [user@]host[:port]")
    return tuple(specs)


def _parse(words: Sequence[str], name: str, where: str) -> HostSpec:
    found = _WHERE.fullmatch(words[0])
    if found is None or "=" in words[0]:
        raise InventoryError(f"{where}: {words[0]!r} is no [user@]host[:port]")
    options: dict[str, str] = {}
    for word in words[1:]:
        key, equals, value = word.partition("=")
        if not equals or not value:
            raise InventoryError(
                f"{where}: {word!r} is no option; they are written {', '.join(_OPTIONS)}=..."
            )
        if key not in _OPTIONS:
            raise InventoryError(f"{where}: {unknown_name('option', key, _OPTIONS)}")
        options[key] = value
    port = found["port"]
    if port is not None and not 1 <= int(port) <= 65535:
        raise InventoryError(f"{where}: there is no port {port}")
    return HostSpec(
        name=name,
        host=found["host"].strip("[]"),
        user=found["user"],
        port=int(port) if port else None,
        **options,
    )
