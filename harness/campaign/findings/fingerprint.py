"""When two violations are one finding: the same system, version family, checker and kind of violation.

What differs from seed to seed is left out: nodes, keys, terms, times, the workload and the faults. A system
with a seeded bug is a system of its own.
"""

from __future__ import annotations

import re
from hashlib import blake2b
from pathlib import PurePath

import msgspec

from harness.campaign.cells import Cell
from harness.campaign.outcomes import Outcome, Violation

_FAMILY = re.compile(r"(\d+)(?:\.(\d+))?")


class Subject(msgspec.Struct, frozen=True, order=True):
    """What was tested, as far as findings tell it apart."""

    system: str
    family: str = ""
    """The first two numbers of the version: 3.5 of 3.5.16; empty if the version is not known."""
    mutant: str = ""

    @property
    def in_words(self) -> str:
        """`etcd 3.5`, or `reference-node with the seeded bug forgetful`."""
        bug = f" with the seeded bug {self.mutant}" if self.mutant else ""
        return f"{self.system} {self.family}".strip() + bug


def subject_of(cell: Cell, outcome: Outcome) -> Subject:
    """What a run tested."""
    if cell.core is not None:
        return Subject(f"core {cell.core.in_words}")
    path = cell.system.partition(":")[0]
    is_file = path.endswith((".py", ".toml"))
    name = cell.system.replace(path, PurePath(path).name) if is_file else cell.system.partition("@")[0]
    return Subject(name, family(outcome.version), cell.mutant or "")


def family(version: str) -> str:
    """The first two numbers of a version; empty if it has none."""
    found = _FAMILY.search(version)
    return "" if found is None else ".".join(part for part in found.groups() if part is not None)


def fingerprint(subject: Subject, violation: Violation) -> str:
    """Ten hex digits that are the same for the same finding, on any machine."""
    parts = (subject.system, subject.family, subject.mutant, violation.checker, violation.kind)
    return blake2b("\0".join(parts).encode(), digest_size=5).hexdigest()
