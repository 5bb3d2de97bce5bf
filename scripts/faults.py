"""Writes the table of faults in docs/faults.md from the catalogue of faults.

`python scripts/faults.py` replaces what stands between the two markers; a test compares the page with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from harness.cluster.kinds import LOCAL, NETNS
from harness.nemesis import NEMESES
from harness.nemesis.fault import Fault
from harness.sim.mechanisms.catalogue import SIM

PAGE = Path(__file__).parent.parent / "docs" / "faults.md"
BEGIN, END = "<!-- faults: written by scripts/faults.py -->", "<!-- end of faults -->"


def table() -> str:
    """The table, one row for each fault of the catalogue."""
    head = [
        "| fault | what it does | sim | local | netns, ssh | what shows the effect |",
        "|---|---|---|---|---|---|",
    ]
    return "\n".join([*head, *map(_row, NEMESES.values())])


def _row(fault: Fault) -> str:
    name = f"`{fault.name}`" + (" (breaks Raft)" if fault.breaks else "")
    sim = "no" if fault.lacks(SIM) else "yes"
    local = "no" if fault.lacks(LOCAL) else _needs(fault.needs)
    packets = "no" if fault.lacks(NETNS) else _needs((*fault.needs, *fault.packet_needs))
    return f"| {name} | {fault.about} | {sim} | {local} | {packets} | {fault.evidence} |"


def _needs(needs: tuple[object, ...]) -> str:
    return ", ".join(getattr(need, "short", "") for need in needs) or "yes"


def with_table(page: str) -> str:
    """The page with the table as the catalogue has it now."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


def targets() -> Iterator[str]:
    """Every target of every fault, which the page must name."""
    return (target for fault in NEMESES.values() for target in fault.targets)


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
