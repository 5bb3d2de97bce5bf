"""The simulated world itself: nodes, network, disks, clocks and clients in virtual time."""
