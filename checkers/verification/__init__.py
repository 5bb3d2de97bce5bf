"""Rechecks certificates: data that prove a verdict, without any of the code that found the verdict.

- `certificate` is what a certificate consists of, and how it is stored; `recheck` picks what checks it.
- `data_types`, `transactions` and `runs` check the proofs of each kind.

A contract of the imports holds that nothing here reaches a search, a graph or a judge. What is shared with
those is the definition of the question: the history, and the data types in `checkers.models`.
"""
