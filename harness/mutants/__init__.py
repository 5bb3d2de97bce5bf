"""Seeded bugs: the reference node with one rule broken, to show what a violation looks like.

The node itself contains none. A mutant is one file that subclasses one part of the node, overrides
one small named rule and exports `PARTS`; `catalogue.py` describes it. `python -m harness.mutants NAME
ARGUMENTS...` starts a node with it, with the arguments of `ackproof-node`.
"""
