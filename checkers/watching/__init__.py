"""Watches that look at a run as it goes on, and say when a checker would find a violation in it.

A watch takes operations or trace events one after the other, in bounded memory, and does a few steps for
each. What it says is a *suspicion*: the checkers then judge the record up to there, and only they decide.
What they find in a beginning of a run they find in the whole run, too: each rule that is watched here is
broken for good once it is broken.

- `keys`: linearizability key by key, whenever no operation on the key is in flight.
- `indices`: the Raft indices that replies name, and what lists of a service show at theirs.
- `raft`: terms, votes, logs and commits, from the nodes' traces.
"""

from checkers.watching.suspicion import HistoryWatch, Suspicion

__all__ = ["HistoryWatch", "Suspicion"]
