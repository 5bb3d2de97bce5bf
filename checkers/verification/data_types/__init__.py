"""Checks proofs about data types: orders of operations, and why there is none."""
