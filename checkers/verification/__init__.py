"""Rechecks certificates: data that prove a verdict, without any of the code that found the verdict.

- `certificate` is what a certificate consists of, and how it is stored; `recheck` picks what checks it.
- `operations`, `orders`, `circles` and `closed_parts` check proofs about data types.
- `steps`, `commit_orders`, `dependencies`, `forced_orders` and `anomalies` check proofs about transactions.
- `traces` and `registrations` check proofs about runs.

A contract of the imports holds that nothing here reaches a search, a graph or a judge. What is shared with
those is the definition of the question: the history, and the data types in `checkers.models`.
"""
