"""Faults of the cluster as a whole: its members change, its leaders are struck at the worst moment."""
