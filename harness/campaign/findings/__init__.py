"""Findings: violations with a fingerprint, followed through the campaigns of a store.

fingerprint.py says when two violations are the same finding, sightings.py in which runs one was seen,
states.py whether it is new, ongoing, rare, resolved or regressed; gathering.py puts all of them together,
what to look at first on top; baseline.py reads the file that lists what is known,
shrunk.py and brought_in.py find the shrunk examples
and the commits that are kept with campaigns, and known_first.py lets the next campaign begin with what is
known.
"""
