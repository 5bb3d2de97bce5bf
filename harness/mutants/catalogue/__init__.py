"""The seeded bugs by name: what each breaks, who catches it, and the weather that shows it.

One file for each part of the node that they break; a new mutant is its file in harness/mutants/ and its
entry in one of these.
"""

from __future__ import annotations

from collections.abc import Mapping

from harness.mutants.catalogue.answers import ANSWERS
from harness.mutants.catalogue.elections import VOTES
from harness.mutants.catalogue.membership import MEMBERSHIP
from harness.mutants.catalogue.registry import REGISTRY
from harness.mutants.catalogue.replication import REPLICATION
from harness.mutants.catalogue.snapshots import SNAPSHOTS
from harness.mutants.catalogue.storage import STORAGE
from harness.mutants.mutant import Mutant

AREAS: Mapping[str, tuple[Mutant, ...]] = {
    "Elections": VOTES,
    "Replication": REPLICATION,
    "Snapshots": SNAPSHOTS,
    "Storage": STORAGE,
    "Membership": MEMBERSHIP,
    "Answers": ANSWERS,
    "Registry": REGISTRY,
}
"""The seeded bugs by the part of the node that they break."""

MUTANTS: dict[str, Mutant] = {mutant.name: mutant for area in AREAS.values() for mutant in area}

__all__ = ["AREAS", "MUTANTS", "Mutant"]
