"""Writes certificates: the proof of a verdict in a form that `checkers.verification` rechecks.

- `linearizability` writes orders and refutations for the data types in `checkers.models`.
- `contradictions` finds the refutations that need no search.
- `transactions` writes commit orders and circles of dependencies.
"""
