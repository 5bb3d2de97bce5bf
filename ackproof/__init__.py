"""Ackproof: prove or refute that a replicated service keeps what it acknowledged."""
