"""Judges: pure functions from a recording to a verdict.

What may live here: code that reads `harness.history` values and says valid, invalid or unknown, with
evidence. What may not: running anything, reading clocks, drawing.
"""
