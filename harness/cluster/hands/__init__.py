"""What carries out faults that need something at the node: a disk of its own, a clock of its own, limits.

One file a family of faults, and one line in catalogue.py. What may live here: a hand (base.py), which fits
nodes before they start, does actions and observes their effect. What may not: what to break and when
(harness/nemesis), or how a host does a thing (harness/hosts).
"""
