"""Checks proofs about transactions: orders, circles of dependencies, forced orders and single anomalies."""
