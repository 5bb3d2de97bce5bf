"""Locks and leases: one holder at a time, and tokens that rise."""
