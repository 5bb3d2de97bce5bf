"""Checkers: pure functions from a recording to a verdict, with evidence.

- `verdict` is what all checkers share; `check_all` runs several; `judges` finds one by name.
- `models` are data types, `linearizability` judges a history of any of them, `transactions` judges
  isolation.
- `raft` judges the nodes' traces, `run` the run itself (faults, availability, node health).
- `workloads` judges histories of one workload each (bank, queue, lease, ...).
- `registry` is all that knows what a service registry is.
- `watching` looks at a run as it goes on, and says when a checker would find a violation.
- `certificates` writes the proof of a verdict; `verification` checks one, and imports no code that judges.
- `delta_debugging` makes a failing input small; `limits` bounds what a verdict shows.

Nothing here runs a system, reads a clock or draws a picture. One rule holds for every checker: `valid` only
if the recording shows it. What a recording lacks is `unknown`.
"""
