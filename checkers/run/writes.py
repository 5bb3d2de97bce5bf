"""Which operations count as writes where a workload does not say so itself."""

WRITES: tuple[str, ...] = ("register", "update", "deregister", "write", "cas")
