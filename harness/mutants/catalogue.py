"""All seeded bugs by area and by name. A new area is a folder and one line here.

Importing this module loads all mutants, and with them the node's code: the command line does so only where a
mutant is named.
"""

from __future__ import annotations

from collections.abc import Mapping

from harness.mutants.answers import ANSWERS
from harness.mutants.elections import ELECTIONS
from harness.mutants.membership import MEMBERSHIP
from harness.mutants.mutant import Mutant
from harness.mutants.registry import REGISTRY
from harness.mutants.replication import REPLICATION
from harness.mutants.snapshots import SNAPSHOTS
from harness.mutants.storage import STORAGE

AREAS: Mapping[str, tuple[Mutant, ...]] = {
    "Elections": ELECTIONS,
    "Replication": REPLICATION,
    "Snapshots": SNAPSHOTS,
    "Storage": STORAGE,
    "Membership": MEMBERSHIP,
    "Answers": ANSWERS,
    "Registry": REGISTRY,
}
"""The seeded bugs by the area of the rules that they break."""

MUTANTS: Mapping[str, Mutant] = {mutant.name: mutant for area in AREAS.values() for mutant in area}
"""The seeded bugs by name."""
