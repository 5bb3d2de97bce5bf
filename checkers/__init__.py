"""Judges: pure functions from a recording to a verdict.

What may live here: code that reads `history` values and says valid, invalid or unknown, with
evidence; one property a file (`verdict` is what they share, `combined` runs several), and a suite a
workload (`registry_suite`). What may not: running anything, reading clocks, drawing. The rule for all
of them: `valid` only if it was seen to be so; what a recording lacks is `unknown`.
"""
