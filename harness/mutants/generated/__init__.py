"""Mutants that no person wrote: each changes one condition, number or statement of the node mechanically.

Start with mutations.py (what is changed, and how), then patching.py (how a process runs with it). How they
are hunted is in harness/sim/seeds/generated.py.
"""
