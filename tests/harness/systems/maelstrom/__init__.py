"""Maelstrom's protocol: what clients ask, what the services promise, and runs of small nodes."""
