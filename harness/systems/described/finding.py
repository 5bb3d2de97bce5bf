"""Finds a value in an answer, as a description says where it stands."""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import Any

from harness.systems.described.description import Found

MISSING = object()


def found_in(answer: bytes, where: Found) -> Any:
    """The value; `MISSING` if it is not there.

    Raises:
        ValueError: the answer is not JSON although a path is given, or not the base64 that it should be.
    """
    if where.json is not None:
        value = _at(_decoded(answer), where.json)
    else:
        text = answer.decode(errors="replace")
        match = re.search(where.regex, text, re.MULTILINE) if where.regex is not None else None
        value = text if where.regex is None else MISSING if match is None else _group(match)
    if where.base64 and value is not MISSING:
        try:
            return base64.b64decode(str(value), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            raise ValueError(f"{value!r} is not text in base64") from error
    return value


def is_so(answer: bytes, where: Found) -> bool:
    """Whether the value is there, and is the one that means yes if the description names one.

    Raises:
        ValueError: as `found_in`.
    """
    value = found_in(answer, where)
    if where.equals_json is not None:
        return value is not MISSING and value == _at(_decoded(answer), where.equals_json)
    if where.equals is None:
        return value is not MISSING and value is not False and value is not None
    return bool(value == where.equals or str(value) == str(where.equals))


def _group(match: re.Match[str]) -> str:
    return match[1] if match.re.groups else match[0]


def _decoded(answer: bytes) -> Any:
    try:
        return json.loads(answer)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"the answer is not JSON: {answer[:80]!r}") from error


def _at(value: Any, path: str) -> Any:
    for step in path.split(".") if path else ():
        match value:
            case dict() if step in value:
                value = value[step]
            case list() if step.isdecimal() and int(step) < len(value):
                value = value[int(step)]
            case _:
                return MISSING
    return value
