"""Linearizability (Herlihy & Wing 1990): some order explains every reply and respects real time.

What lives here: `split` (a history into one problem a key), `presence` (the registry's data type,
reduced to a small search problem), `search` (the engine: Wing & Gong with Lowe's memoization, over
table-driven models), `explain` (what to show when there is no order), `checker` (all of it as one
checker). What may not: knowledge of how a history came to be.

An engine takes one `Problem` and a `Model` and says valid, invalid or unknown; a faster one replaces
`search.search` and nothing else.
"""

from checkers.linearizability.checker import Linearizability

__all__ = ["Linearizability"]
