"""Runs of a campaign that are scripts: steps of their own which show a defect of a released system.

catalogue.py lists the scripts, calling.py has one done in a process and reads what it showed, and carrying.py
is that process: it starts the nodes that the script needs, and ends them.
"""
