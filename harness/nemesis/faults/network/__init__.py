"""Faults of links between nodes: cut, lossy, late, slow, or corrupt."""
