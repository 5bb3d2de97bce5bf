"""The replicated state machine: which instances are registered, and the commands that change it.

Deterministic: the same entries in the same order give the same state and the same results on every
node. Lives here: commands and state. Must not: consensus, clocks, randomness. This file imports
nothing.
"""
