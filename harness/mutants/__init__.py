"""Seeded bugs: the reference node with one rule broken, to show what a violation looks like.

The node itself contains no seeded bug. A mutant is one file in the folder of the rules that it breaks:
`elections/`, `replication/`, `snapshots/`, `storage/`, `membership/`, `answers/` or `registry/`. The file
holds a class that overrides one small named rule of one part of the node, and below it `MUTANT`, the
declaration of the bug: what goes wrong, which checker finds it, and a seed that shows it. The folder's
`__init__` lists the mutant, and `catalogue.py` joins the lists.

`python -m harness.mutants NAME ARGUMENTS...` starts a node with one, with the arguments of `ackproof-node`.
"""
