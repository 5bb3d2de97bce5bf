"""Asks programs for their versions: the programs themselves, not what they were installed as."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import distributions
from pathlib import Path

import msgspec

from harness.errors import CouldNotRun
from harness.systems.installing.java import located_java
from harness.systems.installing.recipe import PATH, Binary, Jars, Modules, Program, Recipe, Release
from harness.systems.installing.tools import answer

BOUND_S = 30.0
LIBRARY_PATH = "LD_LIBRARY_PATH"


class Parts(msgspec.Struct, frozen=True):
    """The files of one program."""

    path: Path
    """The executable file, or the folder of the jars or of the modules."""
    jars: tuple[Path, ...] = ()
    environment: Mapping[str, str] = {}
    """What the program needs in its environment."""


def parts_of(recipe: Recipe, program: Program, release: Release, folder: Path) -> Parts:
    """The files of a program in the folder of a release.

    Raises:
        CouldNotRun: they are not there.
    """
    where = release.where[program.name]
    if isinstance(program, Jars):
        for pattern in where:
            if not any(folder.glob(pattern)):
                raise CouldNotRun(f"{folder} has no {pattern} of {recipe.system}")
        return Parts(folder, tuple(expanded(folder, where)))
    path = folder / where[0]
    if not path.exists():
        raise CouldNotRun(f"{folder} has no {where[0]} of {recipe.system}")
    libraries = [str(one) for one in expanded(folder, release.libraries)]
    environment = {LIBRARY_PATH: os.pathsep.join(libraries)} if libraries else {}
    if release.search:
        search = [*(str(folder / one) for one in release.search), os.environ.get("PATH", os.defpath)]
        environment["PATH"] = os.pathsep.join(search)
    return Parts(path, environment=environment)


def expanded(folder: Path, patterns: Iterable[str]) -> list[Path]:
    """The paths that match the patterns, in the order of the patterns, each once."""
    return list(dict.fromkeys(path for pattern in patterns for path in sorted(folder.glob(pattern))))


def version_of(recipe: Recipe, program: Program, release: Release, folder: Path) -> str:
    """The version of a program in the folder of a release, by its own word.

    Raises:
        CouldNotRun: it is not there, does not start, or names no version.
    """
    return ask(program, parts_of(recipe, program, release, folder))


def ask(program: Program, parts: Parts) -> str:
    """The version of a program, by its own word.

    Raises:
        CouldNotRun: it does not start, or names no version; in one line.
    """
    match program:
        case Binary():
            argv = tuple(str(parts.path) if word == PATH else word for word in program.version_argv)
            return _found(program.version, _printed(argv, parts.environment), str(parts.path))
        case Jars(version_class=None):
            names = "\n".join(jar.name for jar in parts.jars)
            return _found(program.version, names, f"the jars in {parts.path}")
        case Jars():
            java = located_java(program.java)
            argv = (str(java.path), "-cp", os.pathsep.join(map(str, parts.jars)), program.version_class or "")
            return _found(program.version, _printed(argv, {}), f"{program.name} in {parts.path}")
        case Modules():
            for found in distributions(name=program.name, path=[str(parts.path)]):
                return found.version
            raise CouldNotRun(f"{parts.path} has no Python distribution {program.name}")


def _printed(argv: Sequence[str], environment: Mapping[str, str]) -> str:
    """What a program prints for its version, on both outputs."""
    try:
        return answer(argv, bound_s=BOUND_S, environment=environment)
    except TimeoutError:
        raise CouldNotRun(f"{argv[0]} did not name its version within {BOUND_S:g} s") from None
    except OSError as error:
        raise CouldNotRun(f"{argv[0]} cannot be started: {error.strerror}") from error


def _found(pattern: str, text: str, what: str) -> str:
    found = re.search(pattern, text, re.MULTILINE)
    if found is None:
        last = (text.strip().splitlines() or ["nothing"])[-1]
        raise CouldNotRun(f"{what} names no version; it printed: {last[:200]}")
    return found[1]
