"""Faults of clocks: wall clocks that jump, monotonic clocks that drift."""
