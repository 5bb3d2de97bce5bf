"""Seeded bugs of commitment: entries that count as committed too early (Raft, sections 5.3 and 5.4)."""
