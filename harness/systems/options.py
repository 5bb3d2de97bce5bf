"""Makes a system from what the user gave by `--system-option NAME=VALUE` and NAME@VERSION."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, get_args

import msgspec
from msgspec.structs import FieldInfo

from harness.errors import unknown_name

S = TypeVar("S", bound=msgspec.Struct)


def made_of(cls: type[S], options: Mapping[str, Any], system: str) -> S:
    """The system of this class, whose fields are its options; a field's dashes may be underscores, too.

    Args:
        options: of the test, by the names of its fields; also `system_version`.
        system: the system's name, for messages.

    Raises:
        ValueError: an option is unknown, or its value does not fit; in words.
    """
    given = {name.replace("-", "_"): value for name, value in (options.get("system_options") or {}).items()}
    known = [field for field in cls.__struct_fields__ if field != "wanted_version"]
    for name in given:
        if name not in known:
            raise ValueError(unknown_name(f"option of system {system}", name, known))
    if "wanted_version" in cls.__struct_fields__:
        given["wanted_version"] = options.get("system_version")
    else:
        refuse_version(options, system)
    for field in msgspec.structs.fields(cls):
        if field.name in given:
            _check(field, given[field.name], system)
    return msgspec.convert(given, cls, strict=False)


def _check(field: FieldInfo, value: object, system: str) -> None:
    """Refuse a value that does not fit its option.

    Raises:
        ValueError: with what would fit.
    """
    try:
        msgspec.convert(value, field.type, strict=False)
    except msgspec.ValidationError as error:
        choices = [name for part in (field.type, *get_args(field.type)) for name in get_args(part)]
        names = sorted({name for name in choices if isinstance(name, str)})
        why = unknown_name("value", str(value), names) if names else f"{error}: {value!r}"
        raise ValueError(f"option {field.name} of system {system}: {why}") from error


def refuse_version(options: Mapping[str, Any], system: str) -> None:
    """Refuse a version for a system that has none to choose from: it would be ignored.

    Raises:
        ValueError: one is asked for.
    """
    version = options.get("system_version")
    if version:
        raise ValueError(f"system {system} has no versions to choose from: leave out @{version}")


def refuse_all(options: Mapping[str, Any], system: str) -> None:
    """Refuse options and a version for a system that takes none: they would be ignored.

    Raises:
        ValueError: some are given.
    """
    refuse_version(options, system)
    given = ", ".join(options.get("system_options") or {})
    if given:
        raise ValueError(f"system {system} takes no --system-option, so not {given}")
