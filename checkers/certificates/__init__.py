"""Writes certificates: the proof of a verdict in a form that `checkers.verification` rechecks.

- `linearizability` writes orders and refutations for the data types in `checkers.models`.
- `two_values` finds two values of a register that each came before the other.
- `runs` names the lines of traces that contradict Raft, and the registrations that were lost.
- `forced_orders` writes the steps with which a search found that there is no order.
- `snapshots` orders the snapshots and commits of transactions.
- `transactions` writes orders of transactions, circles of dependencies and single anomalies.
"""
