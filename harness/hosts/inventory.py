"""Which remote hosts there are: a nodes file, or names on the command line.

One host a line, `[user@]host[:port]`, then options as `name=value`; `#` begins a comment:

```
# hosts.txt
10.0.0.1
admin@10.0.0.2:2222     key=~/.ssh/lab
db3                     python=/usr/bin/python3.11 address=192.168.5.3
lab-*                   # every host of that name in ssh_config
```

`host` may be an alias of ~/.ssh/config, whose HostName, User, Port, IdentityFile, ProxyJump, ProxyCommand
and UserKnownHostsFile hold where the line says nothing else; with `*` or `?` in it, it stands for all aliases
that match, by name (numbers in them by their value). Nodes are called n1, n2, ... in this order.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

import msgspec

from harness.errors import unknown_name
from history.files import RefusedFile, brief, read_regular
from history.limits import MOST_NODES

_WHERE = re.compile(r"(?:(?P<user>[^@\s]+)@)?(?P<host>\[[^\]]+\]|[^:\s]+)(?::(?P<port>[0-9]{1,6}))?")
Aliases = Callable[[str | None], Sequence[str]]
"""The aliases that an ssh_config (None: ~/.ssh/config) names one by one."""
MOST_BYTES = 1 << 20
LONGEST_WORD = 500
_OPTIONS = ("key", "python", "address", "folder", "known_hosts", "config")


class InventoryError(ValueError):
    """The nodes file cannot be used; the message says where and why."""


class HostSpec(msgspec.Struct, frozen=True):
    """How one host is reached. A field that is None is taken from ssh_config, or has SSH's default."""

    name: str
    """The name of the node that lives there."""
    host: str
    user: str | None = None
    port: int | None = None
    key: str | None = None
    """A private key's file; without one, the agent and the usual files are tried."""
    python: str = "python3"
    address: str | None = None
    """The address at which clients and other nodes reach it, if not its host name."""
    folder: str = ".ackproof"
    """The run's folder is made in it; relative to the home folder."""
    known_hosts: str | None = None
    config: str | None = None
    """An ssh_config; None for ~/.ssh/config."""

    def __str__(self) -> str:
        user = f"{self.user}@" if self.user else ""
        port = f":{self.port}" if self.port else ""
        return f"{self.name} ({user}{self.host}{port})"


def no_aliases(config: str | None) -> Sequence[str]:  # noqa: ARG001 - as `Aliases`
    """No aliases, for callers without an ssh_config."""
    return ()


def read_inventory(path: Path, aliases: Aliases = no_aliases) -> tuple[HostSpec, ...]:
    """The hosts of a nodes file, in order.

    Raises:
        InventoryError: it cannot be read, is empty, or a line is wrong.
    """
    try:
        lines = read_regular(path, most_bytes=MOST_BYTES).decode().splitlines()
    except (OSError, UnicodeDecodeError, RefusedFile) as error:
        raise InventoryError(f"the nodes file {path} cannot be read: {brief(error)}") from error
    return parse_inventory(lines, str(path), aliases)


def parse_inventory(
    lines: Sequence[str], where: str, aliases: Aliases = no_aliases, unit: str = "line"
) -> tuple[HostSpec, ...]:
    """The hosts that these lines name. `where` and `unit` are for messages.

    Raises:
        InventoryError: there is none, or a line is wrong.
    """
    specs: list[HostSpec] = []
    seen: dict[tuple[str, int | None], int] = {}
    for number, line in enumerate(lines, start=1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        at = f"{where}, {unit} {number}"
        for spec in _each(_parse(words, at), at, aliases):
            earlier = seen.setdefault((spec.host, spec.port), number)
            if earlier != number:
                raise InventoryError(f"{at}: {spec.host} is named in {unit} {earlier} already")
            if len(specs) == MOST_NODES:
                raise InventoryError(f"{at}: there are more than {MOST_NODES} hosts")
            specs.append(msgspec.structs.replace(spec, name=f"n{len(specs) + 1}"))
    if not specs:
        raise InventoryError(f"{where} names no host; write one a line, as [user@]host[:port]")
    return tuple(specs)


def _each(spec: HostSpec, where: str, aliases: Aliases) -> Iterator[HostSpec]:
    """The host that a line names, or all aliases that match its pattern."""
    if not set(spec.host) & set("*?"):
        yield spec
        return
    known = aliases(spec.config)
    found = sorted((name for name in known if fnmatchcase(name, spec.host)), key=_by_number)
    if not found:
        names = ", ".join(known[:8]) or "none"
        raise InventoryError(f"{where}: no host in ssh_config matches {spec.host!r}; it names {names}")
    for name in found:
        yield msgspec.structs.replace(spec, host=name)


def _by_number(name: str) -> list[tuple[int, str]]:
    """A key to sort by, so that lab-10 comes after lab-9."""
    return [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", name)]


def _parse(words: Sequence[str], where: str) -> HostSpec:
    found = _WHERE.fullmatch(words[0])
    if found is None or "=" in words[0] or not words[0].isprintable() or len(words[0]) > LONGEST_WORD:
        raise InventoryError(f"{where}: {words[0][:LONGEST_WORD]!r} is no [user@]host[:port]")
    options: dict[str, str] = {}
    for word in words[1:]:
        key, equals, value = word.partition("=")
        if not equals or not value or not word.isprintable() or len(word) > LONGEST_WORD:
            raise InventoryError(
                f"{where}: {word[:LONGEST_WORD]!r} is not an option; options are written "
                f"{', '.join(_OPTIONS)}=..."
            )
        if key not in _OPTIONS:
            raise InventoryError(f"{where}: {unknown_name('option', key, _OPTIONS)}")
        options[key] = value
    port = found["port"]
    if port is not None and not 1 <= int(port) <= 65535:
        raise InventoryError(f"{where}: there is no port {port}")
    return HostSpec(
        name="",
        host=found["host"].strip("[]"),
        user=found["user"],
        port=int(port) if port else None,
        **options,
    )
