"""All fault packages by name. A new one is a file of its own and one line here."""

from __future__ import annotations

from collections.abc import Sequence

from harness.nemesis.kill import KILL
from harness.nemesis.nemesis import Nemesis, compose
from harness.nemesis.package import FaultPackage, WorldName
from harness.nemesis.partition import PARTITION
from harness.nemesis.pause import PAUSE
from harness.suggest import unknown_name

NEMESES: dict[str, FaultPackage] = {package.name: package for package in (KILL, PARTITION, PAUSE)}


def nemesis_of(names: Sequence[str], world: WorldName = "local") -> Nemesis:
    """The nemesis that does these faults; of no names, one that only heals at the end.

    Raises:
        ValueError: a name is unknown (the nearest is suggested), or its fault cannot be done in that world.
    """
    packages: list[FaultPackage] = []
    for name in dict.fromkeys(names):
        if name not in NEMESES:
            raise ValueError(unknown_name("nemesis", name, NEMESES))
        if world not in NEMESES[name].worlds:
            able = ", ".join(NEMESES[name].worlds)
            raise ValueError(f"nemesis {name} cannot be done in {world}, only in {able}")
        packages.append(NEMESES[name])
    return compose(packages)
