"""The systems by name, one line each; and any other system, by the file that defines it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from harness.client.codecs.base import Codec
from harness.errors import unknown_name
from harness.systems.base import System
from harness.systems.loading import is_path, load_system
from harness.systems.reference_node import ReferenceNode
from harness.workload import WORKLOADS, Workload

REFERENCE_NODE = "reference-node"

SYSTEMS: Mapping[str, Callable[[Mapping[str, Any]], System]] = {
    REFERENCE_NODE: ReferenceNode.of,
}
"""Name to maker; a maker is given the options of the test by name, such as `heartbeat_ms`."""


def system_of(name: str, options: Mapping[str, Any]) -> System:
    """The system of that name, or the one that PATH.py:NAME defines.

    Raises:
        ValueError: there is none, its file cannot be loaded, or it has not what the options ask for.
    """
    if name != REFERENCE_NODE:
        for option in ("mutant", "lease"):
            if options.get(option):
                raise ValueError(f"--{option} is for the system {REFERENCE_NODE}, not for {name}")
    if name in SYSTEMS:
        return SYSTEMS[name](options)
    if is_path(name):
        return load_system(name, options)
    raise ValueError(f"{unknown_name('system', name, SYSTEMS)}; or PATH.py:NAME for one of your own")


def codec_for(system: System, work: Workload) -> Codec:
    """The system's codec for the data type that a workload needs.

    Raises:
        ValueError: the system does not have this data type; the message names the workloads that fit.
    """
    if work.data_type in system.codecs:
        return system.codecs[work.data_type]
    fitting = [name for name, make in WORKLOADS.items() if make(("n1",), 1).data_type in system.codecs]
    raise ValueError(
        f"workload {work.name} needs the data type {work.data_type}, and system {system.name} has "
        f"{', '.join(system.codecs) or 'none'}; workloads that fit: {', '.join(fitting) or 'none'}"
    )
