"""Reads a file that describes a system, and says in one line what is wrong with it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from harness.client.data_types import DATA_TYPES
from harness.errors import unknown_name
from harness.systems.base import CLIENT, Place
from harness.systems.described.calls import check_calls
from harness.systems.described.description import (
    BoundsKeys,
    CallKeys,
    Description,
    FileKeys,
    Found,
    JoinKeys,
    ProcessKeys,
    StatusKeys,
)
from harness.systems.described.system import DescribedSystem, DescribedWithPeerPort
from history.files import RefusedFile, read_regular

ENDING = ".toml"
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<key>[^`]*)`(?: - at `\$(?P<at>[^`]*)`)?")
_MISSING = re.compile(r"Object missing required field `(?P<key>[^`]*)`(?: - at `\$\.?(?P<at>[^`]*)`)?")
_UNFIT = re.compile(r"(?P<what>Expected .*?) - at `\$\.?(?P<at>[^`]*)`")
_TABLES: Mapping[str, type[msgspec.Struct]] = {
    "process": ProcessKeys,
    "file": FileKeys,
    "join": JoinKeys,
    "status": StatusKeys,
    "operations": CallKeys,
    "bounds": BoundsKeys,
}
"""By key of the description: what stands there, or each of what stands there."""
_FOUND_IN = ("is_leader", "term", "leader", "value", "unequal_unless")
"""The keys at which it is said where a value stands."""


def is_description(name: str) -> bool:
    """Whether the name of a system is that of a file that describes one."""
    return name.endswith(ENDING)


def described_system(path: Path) -> DescribedSystem:
    """The system that a file describes.

    Raises:
        ValueError: the file cannot be read, or something in it is wrong: the file, the line, the nearest key.
    """
    try:
        text = read_regular(path).decode()
        table = tomllib.loads(text)
    except FileNotFoundError as error:
        raise ValueError(f"there is no file {path}, which should describe a system") from error
    except (OSError, RefusedFile, ValueError) as error:
        raise ValueError(f"{path}: {' '.join(str(error).split())}") from error
    try:
        description = msgspec.convert(table, Description)
    except msgspec.ValidationError as error:
        raise ValueError(f"{path}{_in_words(str(error), text)}") from error
    made = DescribedWithPeerPort if description.peer_port is not None else DescribedSystem
    system = made(description, path.absolute().parent)
    try:
        _check(system)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    return system


def _in_words(error: str, text: str) -> str:
    """What msgspec found, with the line and the nearest key that exists."""
    unknown = _UNKNOWN.match(error)
    if unknown is None:
        if missing := _MISSING.match(error):
            return f": {missing['at'] or 'the file'} needs the key '{missing['key']}'"
        unfit = _UNFIT.match(error)
        return f": {error}" if unfit is None else f": {unfit['at']}: {unfit['what']}"
    key, at = unknown["key"], unknown["at"] or ""
    line = _line_of(key, at, text)
    known = _table(at).__struct_fields__
    return f"{'' if line is None else f', line {line}'}: {unknown_name('key', key, known)}"


def _line_of(key: str, at: str, text: str) -> int | None:
    """The line on which an unknown key stands, at a path of msgspec; None if no line can be named.

    The same name may be a known key elsewhere. So each place is tried: where the name is changed, msgspec
    must complain about the changed one, at the same path.
    """
    changed = f"{key}-changed"
    for found in re.finditer(rf"(?m)(?:^|[{{,.\[\s])({re.escape(key)})\s*[\].=]", text):
        try:
            msgspec.convert(
                tomllib.loads(f"{text[: found.start(1)]}{changed}{text[found.end(1) :]}"), Description
            )
        except msgspec.ValidationError as error:
            again = _UNKNOWN.match(str(error))
            if again is not None and (again["key"], again["at"] or "") == (changed, at):
                return text.count("\n", 0, found.start(1)) + 1
        except tomllib.TOMLDecodeError:  # it was no key, but part of a text
            continue
    return None


def _table(at: str) -> type[msgspec.Struct]:
    """What stands at a path of msgspec, such as `.status.is_leader` or `.operations[...][...]`."""
    if at.rpartition(".")[2] in _FOUND_IN:
        return Found
    first = re.split(r"[.\[]", at.removeprefix("."))[0]
    return _TABLES.get(first, Description)


def _check(system: DescribedSystem) -> None:
    """Refuse what could only fail in mid-run.

    Raises:
        ValueError: in words.
    """
    keys = system.description
    if CLIENT not in keys.ports:
        raise ValueError(f"ports needs one that is called {CLIENT}")
    if not keys.process:
        raise ValueError("it has no [[process]]")
    for port in (keys.status.port, *((keys.peer_port,) if keys.peer_port else ())):
        if port not in keys.ports:
            raise ValueError(unknown_name("port", port, keys.ports))
    if keys.links == "proxies" and keys.peer_port is None:
        raise ValueError('links = "proxies" needs peer_port, the port that nodes dial each other at')
    if (keys.status.request is None) == (keys.status.send is None):
        raise ValueError("status needs either request (HTTP) or send (a text)")
    for name in keys.operations:
        if name not in DATA_TYPES:
            raise ValueError(unknown_name("data type", name, DATA_TYPES))
    for name, calls in keys.operations.items():
        try:
            check_calls(name, calls)
        except ValueError as error:
            raise ValueError(f"operations.{name}: {error}") from error
    place = _a_place(system)
    system.launch(place)
    system.question(place)


def _a_place(system: DescribedSystem) -> Place:
    """Some place, to try the texts with."""
    members = {
        name: {port: f"127.0.0.1:{number}" for port, number in system.ports.items()} for name in ("n1", "n2")
    }
    dialled = system.description.peer_port
    peers = {} if dialled is None else {"n2": members["n2"][dialled]}
    here = Path("/nowhere")
    return Place(
        "n1", "127.0.0.1", system.ports, members, peers, here / "data", here / "trace", here / "log", 0
    )
