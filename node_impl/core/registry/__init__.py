"""The replicated state machine: what is registered and published, and the commands that change it.

Deterministic: the same entries in the same order give the same state and the same results on every
node. Lives here: commands, the state (services with their instances, configurations), its snapshot. Must
not: consensus, clocks, randomness. This file imports nothing.
"""
