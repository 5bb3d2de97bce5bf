"""Checkers of the run itself: faults, availability, recovery, node health, and what the run proves."""
