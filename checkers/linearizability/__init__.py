"""Linearizability (Herlihy & Wing 1990): some order explains every reply and respects real time.

What lives here, for any data type of `checkers.models`: `part` (a history, key by key, as arrays),
`engine` and `kernel` (Wing & Gong with Lowe's memoization, compiled by `compiled`), `impossible` and
`words` (what to show when there is no order), `by_model` (all of it as one checker). Before that, for
sets and queues whose values are distinct: `rows` (a history as numbers), `queues` and `sets` (verdicts
without a search), `distinct` (what they leave to it, and what to show).

For the registry, `portfolio` tries in turn: `witness` (the order of the Raft indices that replies name, read
by `claims`), `placement` (the log's order, each read where it fits), and without any index, key by key:
`split` and `presence` (the data type, reduced to a small search problem), `search`, and for large histories
`columns`, by `zones` (Gibbons & Korach) or by the compiled search; then `service`, for lists. `checker` and
`honesty` say what came of it, `explain` why.

What may not: knowledge of how a history came to be. Importing this loads no compiled code.
"""

from checkers.registry.linearizability.checker import Linearizability
from checkers.registry.linearizability.honesty import IndexHonesty

__all__ = ["IndexHonesty", "Linearizability"]
