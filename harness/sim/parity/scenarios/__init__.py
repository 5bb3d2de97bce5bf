"""All scenarios, by what they do harm to."""

from harness.sim.parity.scenario import Scenario
from harness.sim.parity.scenarios.clocks import CLOCKS
from harness.sim.parity.scenarios.disks import DISKS
from harness.sim.parity.scenarios.links import LINKS
from harness.sim.parity.scenarios.processes import PROCESSES

SCENARIOS: dict[str, Scenario] = {
    scenario.name: scenario for scenario in (*PROCESSES, *LINKS, *DISKS, *CLOCKS)
}
"""By name."""
