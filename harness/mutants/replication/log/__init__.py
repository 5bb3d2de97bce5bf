"""Seeded bugs of the logs: entries that a node accepts, keeps or deletes wrongly (Raft, section 5.3)."""
