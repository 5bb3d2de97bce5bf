"""Turns honest files into hostile ones: values of another type, without bound, or not to be decoded."""

from __future__ import annotations

import json
import os
from pathlib import Path
from random import Random
from typing import Any

DEEP = b"[" * 5000 + b"]" * 5000
VALUES: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    1,
    99_999,
    2**31,
    2**53,
    2**63 - 1,
    2**63,
    10**30,
    0.5,
    -1e308,
    "",
    "x",
    "../../outside",
    "/tmp/outside",
    "\x00",
    "\x1b[2Jkey",
    "y" * 100_000,
    [],
    {},
    ["n1"] * 5000,
    [[[["n1"]]]],
    {"n1": {"n2": []}},
)


def place_in(value: Any, random: Random) -> tuple[Any, ...]:
    """The path of one of the values inside a JSON value; each part of an object is equally likely."""
    way: tuple[Any, ...] = ()
    while isinstance(value, dict | list) and value and (not way or random.random() < 0.85):
        step = random.choice(list(value)) if isinstance(value, dict) else random.randrange(len(value))
        way, value = (*way, step), value[step]
    return way


def mutated_json(data: bytes, random: Random) -> bytes:
    """A JSON document in which one value is another, gone, or there many times."""
    value = json.loads(data)
    place = place_in(value, random)
    if not place:
        return json.dumps(random.choice(VALUES)).encode()
    *way, last = place
    at = value
    for step in way:
        at = at[step]
    match random.randrange(8):
        case 0 if isinstance(at, dict):
            del at[last]
        case 1 if isinstance(at, list):
            at[last:last] = [at[last]] * 3000
        case 2 if isinstance(at[last], int | float):
            at[last] = at[last] * random.choice([-1, 10, 1000, 10**6, 10**12])
        case _:
            at[last] = random.choice(VALUES)
    return json.dumps(value).encode()


def mutated_bytes(data: bytes, random: Random) -> bytes:
    """Bytes in which some are cut, changed, or there again and again; or JSON that is nested too deep."""
    at = random.randrange(len(data) + 1)
    match random.randrange(6):
        case 0:
            return data[:at]
        case 1:
            return data[:at] + bytes(random.randrange(256) for _ in range(4)) + data[at + 4 :]
        case 2:
            return data[:at] + DEEP + data[at:]
        case 3:
            return data[:at] + b"\xff\xfe" + data[at:]
        case 4:
            return data[:at] + data[at // 2 : at] * 20 + data[at:]
        case _:
            return b"" if random.random() < 0.3 else b'{"a":' * 2000 + b"1" + b"}" * 2000


def mutated(data: bytes, random: Random) -> bytes:
    """The content of a file, as JSON if it is JSON, else line by line, else byte by byte."""
    if random.random() < 0.3:
        return mutated_bytes(data, random)
    try:
        return mutated_json(data, random)
    except (ValueError, KeyError):
        pass
    lines = data.split(b"\n")
    at = random.randrange(len(lines))
    try:
        lines[at] = mutated_json(lines[at], random)
    except (ValueError, KeyError):
        lines[at] = mutated_bytes(lines[at], random)
    return b"\n".join(lines)


def replace_by_something_else(path: Path, outside: Path, random: Random) -> str:
    """Put a pipe, a link, a device or a folder where a file was; says what."""
    path.unlink()
    match random.randrange(5):
        case 0:
            os.mkfifo(path)
            return "a pipe"
        case 1:
            path.symlink_to(outside / "precious")
            return "a link to a file"
        case 2:
            path.symlink_to("/dev/zero")
            return "a link to a device"
        case 3:
            path.mkdir()
            return "a folder"
        case _:
            path.symlink_to(path.name)
            return "a link to itself"
