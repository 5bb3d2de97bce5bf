"""What a campaign shows of itself while it runs: behaviours, figures, and a file with live data.

behaviours.py reduces a run to what can be compared, figures.py counts through the lines of a journal, and
live.py writes the counts for a page that draws them.
"""
