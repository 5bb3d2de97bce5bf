"""Rechecks certificates: data that prove a verdict, without any of the code that found the verdict.

- `certificate` is what a certificate consists of, and how it is stored.
- `linearizability` rechecks orders, circles of values and closed parts.
- `transactions` rechecks commit orders, circles of dependencies and single anomalies.
- `traces` rechecks violations that two lines of the nodes' traces show.
- `recheck` picks the one that a certificate needs.

A contract of the imports holds that nothing here reaches a search, a graph or a judge. What is shared with
those is the definition of the question: the history, and the data types in `checkers.models`.
"""
