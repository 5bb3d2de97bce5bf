"""The replicated state machine: what is registered and published, and the commands that change it.

Deterministic: the same entries in the same order give the same state and the same results on every node. Here
are the commands, the state (services with their instances, configurations), the sessions of clients, and the
snapshot of it all. Not here: consensus, clocks, randomness. This file imports nothing.
"""
