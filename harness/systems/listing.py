"""What a user wants to know of each system before a test: for `ackproof systems`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from typing import Any

import msgspec

from harness.errors import CouldNotRun
from harness.systems.base import HasVersion, RunsRemotely, System
from harness.systems.catalogue import ENTRY_POINTS, SYSTEMS, fitting_workloads, system_of
from harness.systems.users_code import users_code

_NEEDS = {
    "proxies": "runs on loopback",
    "addresses": "needs an address a node for faults of the network (--world netns, or ssh)",
}


SHIPPED = "; can be shipped to SSH hosts"


class ListedSystem(msgspec.Struct, frozen=True):
    """One system, as `ackproof systems` shows it."""

    name: str
    about: str
    data_types: tuple[str, ...]
    workloads: tuple[str, ...]
    needs: str
    here: str
    """Whether its program is here, and in which version; else what brings it."""
    options: tuple[str, ...]
    """What --system-option may set, each with its default."""
    is_here: bool


def listed_systems(
    options: Mapping[str, Any], tell: Callable[[int, int], object] = lambda _done, _of: None
) -> list[ListedSystem]:
    """All systems that are known by name, those of installed packages included.

    Args:
        options: those of a test without any.
        tell: is given how many systems were looked at, of how many; each is asked for its version.
    """
    names = (*SYSTEMS, *(point.name for point in entry_points(group=ENTRY_POINTS)))
    found = []
    for name in names:
        found.append(_listed(name, options))
        tell(len(found), len(names))
    return found


def _listed(name: str, options: Mapping[str, Any]) -> ListedSystem:
    try:
        system = system_of(name, options)
        with users_code(system, "version", (ValueError,)):
            stated = system.version() if isinstance(system, HasVersion) else None
    except (ValueError, CouldNotRun) as error:
        return ListedSystem(name, "It cannot be used here.", (), (), "", str(error), (), is_here=False)
    return ListedSystem(
        name=name,
        about=_first_sentence(system),
        data_types=tuple(system.clients),
        workloads=fitting_workloads(system),
        needs=_NEEDS[system.links] + (SHIPPED if isinstance(system, RunsRemotely) else ""),
        here="it is here" if stated is None else f"version {stated} is here",
        options=tuple(_options_of(system)) if name != next(iter(SYSTEMS)) else (),
        is_here=True,
    )


def _first_sentence(system: System) -> str:
    return " ".join((type(system).__doc__ or "").split("\n\n")[0].split())


def _options_of(system: System) -> list[str]:
    """The fields that a system is made with, and what they are."""
    if not isinstance(system, msgspec.Struct):
        return []
    chosen_otherwise = ("wanted_version",)
    names = (name for name in system.__struct_fields__ if name not in chosen_otherwise)
    return [f"{name}={'' if (value := getattr(system, name)) is None else value}" for name in names]
