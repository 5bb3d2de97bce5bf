"""Campaigns: many runs of many tests, kept as they end, and the findings that they add up to.

cells.py says what a campaign is made of, reading.py reads it from a file, refusals.py refuses what cannot be
run before anything starts. executors.py has runs done, in this process, in others, or as `ackproof run`;
journal.py keeps each outcome; campaign.py is the loop between the two. summary.py adds the outcomes up,
merging.py joins the journals of several machines, and findings/ follows one violation through campaigns.

What does not belong here: how one run is done (harness/run, harness/sim) and judged (checkers).
"""
