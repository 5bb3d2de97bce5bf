"""The names in a store by which a folder is known for that of a run, a recording or a campaign.

They belong to those who write them (harness/run/folder.py, harness/recording/folder.py, harness/sim/run.py,
harness/campaign/journal.py), which take too long to load for a listing; a test holds them equal.
"""

from __future__ import annotations

import re

TEST, RESULTS, REPORT = "test.json", "results.json", "report.html"
RECORDING = "recording.json"
PLAN = "plan.json"
JOURNAL, LIVE = "campaign.jsonl", "live.json"
RUNS, REPLAYS = "runs", "replays"
"""Folders of runs: in that of a campaign, and in the store."""
RUN_NAME = re.compile(r"\d{4}-\d\d-\d\dT\d{6}-.")
"""How the names of runs' folders begin."""
