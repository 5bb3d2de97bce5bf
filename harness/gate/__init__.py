"""The gate of a CI job: one campaign, a baseline of known findings, and what would have been found.

known_bugs/ holds the bugs whose odds were measured. power.py says from these odds how likely some runs
catch each bug, and how many runs are needed; planning.py makes the campaign. result.py weighs what the
campaign gave: passed, failed, unknown or broken. changes/ says what a change can reach, and comparing.py
whether latency or availability is worse than before.

What does not belong here: how a campaign runs, and when a finding is new or resolved (harness/campaign).
"""
