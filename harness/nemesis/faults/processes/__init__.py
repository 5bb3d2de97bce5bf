"""Faults of processes: they end, stop, run slowly, or get low limits."""
