"""Linearizability of the `registry` workload, with the help of the Raft indices that replies name."""
