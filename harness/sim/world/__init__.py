"""The simulated world: nodes, network, disks and clocks in virtual time."""
