"""Checks proofs about runs: lines of traces that contradict Raft, and registrations that were lost."""
