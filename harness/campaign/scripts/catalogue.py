"""The scripts that show defects of released systems (docs/found.md), by the names that cells give them.

A cell, a journal or an option names a script of this list, never a command: files that others wrote start
nothing else.

A script says what it saw in a line of standard output for each case, and ends with a status that agrees:

- a line with `: SHOWN: `, and status 1: the defect is there;
- only lines with `: not shown: `, and status 0: it is not;
- anything else: the steps could not be carried out. So a script that fails by a mistake of its own, which
  Python also ends with status 1, shows nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

FOLDER = Path(__file__).parents[3] / "scripts" / "found"
"""Where the scripts are, in a clone of this repository; the package does not hold them."""
CHECKER = "script"
"""What stands for the checker in a violation that a script showed."""
OUTPUT = "output.txt"
"""The file in a run's folder that holds what its script printed."""
SHOWN, NOT_SHOWN = ": SHOWN: ", ": not shown: "
PROGRAM, SEED, ADDRESS, HOSTS = "{program}", "{seed}", "{address}", "{hosts}"
"""What stands in the arguments of a script: the path of the installed program, the seed, the first node's
`host:port` for clients, and the hosts of all nodes, each a word of its own."""


class Script(msgspec.Struct, frozen=True):
    """One script, and how it is called."""

    file: str
    system: str
    """The system that it tests, without a version."""
    arguments: tuple[str, ...]
    takes_s: int
    """About how long it takes on a machine that does little else, the start of its nodes included."""
    version: str = ""
    """The line of versions that the arguments fit, such as 2; empty for all."""

    @property
    def path(self) -> Path:
        """The file."""
        return FOLDER / self.file

    @property
    def needs_nodes(self) -> bool:
        """Whether nodes of the system must run; otherwise the script starts and ends them itself."""
        return not {ADDRESS, HOSTS}.isdisjoint(self.arguments)


_RECIPES = (
    "lease-has-two-holders",
    "leave-returns-early",
    "enter-hangs-after-a-lost-connection",
    "enter-hangs-without-a-fault",
    "queue-hangs-after-a-lost-connection",
    "queue-raises-where-a-lock-is-lost",
    "lock-waits-longer-than-its-timeout",
)
"""The cases of kazoo_recipes.py."""
SCRIPTS: Mapping[str, Script] = {
    "etcd-flipped-length": Script("etcd_flipped_length.py", "etcd", (PROGRAM, "--seed", SEED), 30),
    "etcd-paused-leader": Script("etcd_paused_leader.py", "etcd", (PROGRAM,), 60),
    "kazoo-counted-twice": Script("kazoo_counted_twice.py", "zookeeper", (ADDRESS,), 15),
    **{f"kazoo-{case}": Script("kazoo_recipes.py", "zookeeper", (ADDRESS, case), 25) for case in _RECIPES},
    "nacos-first-load": Script("nacos_first_load.py", "nacos", (HOSTS,), 150, version="2"),
    "nacos-refused-swap": Script("nacos_refused_swap.py", "nacos", ("v1", HOSTS), 120, version="2"),
    "nacos-refused-swap-v3": Script("nacos_refused_swap.py", "nacos", ("v3", HOSTS), 120, version="3"),
    "nacos-two-publications": Script("nacos_two_publications.py", "nacos", ("v1", HOSTS), 180),
    "pysyncobj-other-call": Script("pysyncobj_other_call.py", "pysyncobj", (PROGRAM, "--seed", SEED), 30),
    "pysyncobj-rewritten-journal": Script(
        "pysyncobj_rewritten_journal.py", "pysyncobj", (PROGRAM, "--seed", SEED), 30
    ),
}
