"""What marks say: the options of a run, of simulated seeds and of a cluster, checked before anything starts.

An option has the name and the meaning of the command's: `time_limit_s=10` is `--time-limit 10`.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from ackproof.pytest_plugin.errors import unknown_name

SIM = "sim"
USUAL_SEEDS = 200
"""Of `sim_test`; as of `ackproof sim --seeds`."""
MOST_NODES = 99
FLAGS = ("lease",)
IN_BOTH = {
    "nodes": "--nodes",
    "workload": "--workload",
    "nemesis": "--nemesis",
    "time_limit_s": "--time-limit",
    "concurrency": "--concurrency",
    "rate": "--rate",
    "mutant": "--mutant",
    "lease": "--lease",
}
"""By name in a mark, the option of `ackproof sim`, and of `ackproof run`."""
OF_RUNS = {
    **IN_BOTH,
    "system": "--system",
    "system_options": "--system-option",
    "world": "--world",
    "schedule": "--schedule",
    "fault_s": "--fault-seconds",
    "minimum_acknowledged": "--minimum-acknowledged",
    "recovery_bound_s": "--recovery-bound",
    "heartbeat_ms": "--heartbeat-ms",
    "election_ms": "--election-ms",
    "snapshot_entries": "--snapshot-entries",
}
OF_CLUSTERS = ("nodes", "system", "system_options", "world", "faults", "data_type", "mutant", "lease", "seed")
OF_SEEDS = ("seeds", "start", "jobs")


def options_of(mark: pytest.Mark, known: Sequence[str], example: str) -> dict[str, Any]:
    """The options that a mark gives by name.

    Raises:
        pytest.UsageError: one is not known, or is not given by name.
    """
    if mark.args:
        _refuse(mark, f"options are given by name, as in {example}")
    for name in mark.kwargs:
        if name not in known:
            _refuse(mark, unknown_name("option", name, known))
    return {name: value for name, value in mark.kwargs.items() if value is not None}


def seeds_of(mark: pytest.Mark, options: Mapping[str, Any]) -> list[int]:
    """The seeds of a mark: `seeds=5` are the seeds 0 to 4, `seeds=[3, 17]` these two; by default 0 alone.

    Raises:
        pytest.UsageError: they are no seeds.
    """
    given = options.get("seeds", 1)
    if isinstance(given, int) and not isinstance(given, bool):
        found = list(range(given))
    elif isinstance(given, Sequence | range) and not isinstance(given, str):
        found = list(given)
    else:
        found = []
    if not found or any(type(seed) is not int or seed < 0 for seed in found):
        _refuse(mark, f"seeds={given!r} is neither a number above 0 nor a list of whole numbers from 0 on")
    return found


def arguments(options: Mapping[str, Any], names: Mapping[str, str]) -> Iterator[str]:
    """The options as a command takes them."""
    for name, value in options.items():
        option = names[name]
        if name in FLAGS:
            yield from [option] if value else []
        elif isinstance(value, Mapping):
            for key, text in value.items():
                yield from (option, f"{key}={text}")
        elif name == "nemesis":
            yield from (option, ",".join(fault_list(value)) or "none")
        elif name == "fault_s" and isinstance(value, Sequence):
            yield from (option, "-".join(str(bound) for bound in value))
        else:
            yield from (option, str(value))


def fault_list(value: str | Sequence[str]) -> list[str]:
    """Faults, given as a list or as one text with commas between them."""
    given = value.split(",") if isinstance(value, str) else list(value)
    return [fault.strip() for fault in given if fault.strip() not in ("", "none")]


def line(command: str, words: Sequence[str], seed: int) -> str:
    """The line to paste that does the same again."""
    return shlex.join(["ackproof", command, *words, "--seed", str(seed)])


def _refuse(mark: pytest.Mark, why: str) -> None:
    raise pytest.UsageError(f"the mark {mark.name}: {why}")
