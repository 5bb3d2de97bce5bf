"""Finds a program of a system, and its version.

The rule, for all systems: the path that the user gives; else, of the releases of the wanted version that
`ackproof systems install` brought, the newest one; else the machine's own program, if it is of that version.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from harness.errors import CouldNotRun
from harness.systems.installing.asking import Parts, ask, expanded, parts_of
from harness.systems.installing.catalogue import recipe_of
from harness.systems.installing.folders import installed, version_key
from harness.systems.installing.recipe import Binary, Jars, Modules, Program, Recipe, Release, is_version

FromWhere = Literal["given", "installed", "machine"]
"""By the path that the user gave, in the folder of `ackproof systems install`, or on the machine (PATH)."""


_OPTIONS: Mapping[type[Program], str] = {Binary: "binary", Jars: "jars", Modules: "modules"}
"""By kind of program: the option of its system that gives the path of the user's own one."""


class Located(msgspec.Struct, frozen=True):
    """A program that was found, and that named its version."""

    path: Path
    """The executable file, or the folder of the jars or of the modules."""
    version: str
    from_where: FromWhere
    jars: tuple[Path, ...] = ()
    """The class path of a program of the Java machine."""
    environment: Mapping[str, str] = {}
    """What the program needs in its environment: where its shared libraries are."""
    note: str = ""
    """What a reader of a result must know of this release."""


def located(
    system: str,
    version: str | None = None,
    *,
    program: str | None = None,
    given: Path | None = None,
    home: Path | None = None,
) -> Located:
    """Find a program of a system, and ask it for its version.

    Args:
        system: the recipe's name.
        version: the version, or a line of versions (`3.5`); None for any.
        program: the program's name; None for the recipe's first one.
        given: the user's own one: an executable file, or a folder with jars or with modules.
        home: where systems are installed; None for the user's data folder.

    Raises:
        CouldNotRun: it is not here, or has another version; one line that says how to get it.
    """
    return find(recipe_of(system), version, program=program, given=given, home=home)


def find(
    recipe: Recipe,
    version: str | None = None,
    *,
    program: str | None = None,
    given: Path | None = None,
    home: Path | None = None,
) -> Located:
    """As `located`, by the recipe itself."""
    wanted = recipe.program(program)
    if given is not None:
        parts = _given(wanted, given)
        found = ask(wanted, parts)
        if version is not None and not is_version(found, version):
            raise CouldNotRun(f"{given} is {wanted.name} {found}, not {version}")
        return Located(parts.path, found, "given", parts.jars, parts.environment)
    for release, folder in _installed(recipe, version, home):
        parts = parts_of(recipe, wanted, release, folder)
        return Located(
            parts.path, ask(wanted, parts), "installed", parts.jars, parts.environment, release.note
        )
    machine = _machine(wanted)
    here = None if machine is None else ask(wanted, machine)
    if machine is None or here is None or (version is not None and not is_version(here, version)):
        others = sorted(
            {record.version for record in installed(home).values() if record.system == recipe.system},
            key=version_key,
        )
        raise CouldNotRun(_how_to_get(recipe, wanted, version, here, others))
    return Located(machine.path, here, "machine", machine.jars, machine.environment)


def _installed(recipe: Recipe, version: str | None, home: Path | None) -> list[tuple[Release, Path]]:
    """The installed releases that will do, the newest first."""
    found = [
        (recipe.release(record.version, unpinned=True), folder)
        for folder, record in installed(home).items()
        if record.system == recipe.system
        and (version is None or is_version(record.version, version))
        and (recipe.other is not None or recipe.has(record.version))
    ]
    return sorted(found, key=lambda one: version_key(one[0].version), reverse=True)


def _given(program: Program, given: Path) -> Parts:
    """The files of the user's own program."""
    path = given.expanduser().absolute()
    if isinstance(program, Binary):
        if not path.is_file():
            raise CouldNotRun(f"there is no file {given}, given for {program.name}")
        return Parts(path)
    if not path.is_dir():
        raise CouldNotRun(f"there is no folder {given}, given for {program.name}")
    if isinstance(program, Modules):
        return Parts(path)
    jars = tuple(sorted(path.rglob("*.jar")))
    if not jars:
        raise CouldNotRun(f"the folder {given}, given for {program.name}, has no jar")
    return Parts(path, jars)


def _machine(program: Program) -> Parts | None:
    """The files of a program that the machine has itself; None if it has none."""
    match program:
        case Binary():
            found = shutil.which(program.name)
            return None if found is None else Parts(Path(found))
        case Jars():
            jars = tuple(expanded(Path("/"), [pattern.lstrip("/") for pattern in program.machine]))
            main = tuple(expanded(Path("/"), [pattern.lstrip("/") for pattern in program.machine[:1]]))
            return Parts(main[0].parent, jars) if main else None
        case Modules():
            return None


def _how_to_get(
    recipe: Recipe, program: Program, version: str | None, here: str | None, others: Sequence[str]
) -> str:
    """The line for a program that is missing, or that has another version.

    Args:
        here: the version of the machine's own program.
        others: the installed versions.
    """
    wanted = f"{recipe.system}@{version}" if version is not None else recipe.system
    problem = (
        f"this machine's {program.name} is {here}, not {version}"
        if here is not None
        else f"{program.name}{f' {version}' if version is not None else ''} is not here"
    )
    if others:
        problem += f" (installed: {', '.join(others)})"
    ways = []
    if recipe.has(version):
        ways.append(f"`ackproof systems install {wanted}` brings it")
    else:
        known = ", ".join(release.version for release in recipe.releases)
        others_too = " (others with --unpinned)" if recipe.other is not None else ""
        ways.append(f"`ackproof systems install` brings {recipe.system} {known}{others_too}")
    if program.debian and here is None and version is None:
        ways.append(f"Debian has it in {program.debian}")
    own = f"give the path of your own (--system-option {_OPTIONS[type(program)]}=PATH)"
    return f"{problem}: {', '.join([*ways, 'or ' if ways else ''])}{own}"
