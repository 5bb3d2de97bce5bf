"""Loads a system from the user's own file: `--system PATH.py:NAME`."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Mapping
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

from harness.errors import unknown_name
from harness.systems.base import CLIENT, Links, System, TakesOptions
from harness.systems.options import refuse_all

_MODULE_PREFIX = "ackproof_system_"
REQUIRED = ("clients", "launch", "links", "name", "ports", "status")
"""What every system has: the members of `System`."""
CLIENT_METHODS = ("open", "perform", "close")
"""What every client has: the members of `Client`."""


def is_path(name: str) -> bool:
    """Whether the name of a system is PATH.py:NAME, or looks like an attempt at it."""
    return ":" in name or name.endswith(".py")


def load_system(reference: str, options: Mapping[str, Any]) -> System:
    """The system that PATH.py:NAME names: a class, which is made here, or an object.

    A class that has `of` is made by `NAME.of(options)`, any other one by `NAME()`.

    Raises:
        ValueError: the file is missing or cannot be loaded, or what it defines is no system; in words.
    """
    path, _, name = reference.rpartition(":")
    if not path or not name:
        file = reference.strip(":") or "my_system.py"
        raise ValueError(f"{reference!r} does not say which system of the file is meant: give {file}:NAME")
    module = _load(Path(path), reference)
    if not hasattr(module, name):
        public = {known: value for known, value in vars(module).items() if not known.startswith("_")}
        systems = [known for known, value in public.items() if hasattr(value, "launch")]
        raise ValueError(f"{path}: {unknown_name('name', name, systems or public)}")
    return system_from(lambda: getattr(module, name), reference, options, path)


def system_from(
    load: Callable[[], Any], reference: str, options: Mapping[str, Any], path: str = ""
) -> System:
    """The system that some code gives: a class, which is made here, or an object.

    Args:
        load: gives it.
        reference: how the user named it, for messages.
        path: of the user's file, whose line is named where it raises.

    Raises:
        ValueError: it cannot be loaded or made, or is no system; in words.
    """
    try:
        found = load()
        system = _made(found, options)
    except Exception as error:
        # It is the user's code, which may raise anything.
        raise ValueError(f"{reference} cannot be made: {_in_words(error, path)}") from error
    if not (isinstance(found, type) and isinstance(found, TakesOptions)):
        refuse_all(options, reference)
    missing = [member for member in REQUIRED if not hasattr(system, member)]
    if missing or not isinstance(system, System):
        raise ValueError(
            f"{reference} is not a system: it lacks {', '.join(missing)}; docs/extending.md has an example"
        )
    wrong = _wrong_values(system)
    if wrong is not None:
        raise ValueError(f"{reference}: {wrong}")
    for data_type, make in system.clients.items():
        lacking = [
            method for method in CLIENT_METHODS if isinstance(make, type) and not hasattr(make, method)
        ]
        if lacking and not hasattr(make, "encode"):
            raise ValueError(f"{reference}: its client of {data_type} lacks {', '.join(lacking)}")
    return system


def _wrong_values(system: System) -> str | None:
    """What of a system's values is not what `System` asks for; None if all are."""
    if system.links not in get_args(Links):
        return f"links is {system.links!r}, and must be one of {', '.join(map(repr, get_args(Links)))}"
    for name, value in (("ports", system.ports), ("clients", system.clients)):
        if not isinstance(value, Mapping):
            return f"{name} is {type(value).__name__}, and must be a mapping"
    if CLIENT not in system.ports:
        return f"ports names no {CLIENT!r}, the port at which clients reach a node"
    return None


def _made(found: Any, options: Mapping[str, Any]) -> Any:
    if not isinstance(found, type):
        return found
    return found.of(options) if isinstance(found, TakesOptions) else found()


def _load(path: Path, reference: str) -> ModuleType:
    """Run the user's file as a module. Modules next to it can be imported by it."""
    path = path.absolute()
    if not path.is_file():
        raise ValueError(f"{reference}: there is no file {path}")
    name = _MODULE_PREFIX + path.stem
    spec = spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ValueError(f"{reference}: {path} is not a Python file; its name must end with .py")
    module = module_from_spec(spec)
    sys.modules[name] = module
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))  # last, so that nothing there hides a package of ours
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        # It is the user's code, which may raise anything.
        del sys.modules[name]
        raise ValueError(f"{reference} cannot be loaded: {_in_words(error, str(path))}") from error
    return module


def _in_words(error: BaseException, path: str) -> str:
    """The error and, if it arose in the user's file, the line."""
    if isinstance(error, SyntaxError):
        return f"line {error.lineno}: SyntaxError: {error.msg}"
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == path]
    where = f"line {lines[-1]}: " if lines else ""
    return f"{where}{type(error).__name__}: {' '.join(str(error).split())}"
