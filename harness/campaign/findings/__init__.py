"""Findings: violations with a fingerprint, followed through the campaigns of a store.

fingerprint.py says when two violations are the same finding, states.py whether a finding is new, ongoing,
rare, resolved or regressed; gathering.py puts them together, what to look at first on top; baseline.py reads
the file that lists what is known.
"""
