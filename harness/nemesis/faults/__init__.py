"""All faults, a folder for each family: each file is everything about one fault.

A file named for what several faults share (lifecycle.py, impairments.py, disk_trouble.py, ...) holds the
actions that they have in common; planning.py has the planner that most faults of single nodes use.
"""
