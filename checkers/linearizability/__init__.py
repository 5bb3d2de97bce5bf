"""Linearizability (Herlihy & Wing 1990): some order explains every reply and respects real time.

What lives here, for any data type of `checkers.models`: `part` (a history, key by key, as arrays),
`engine` and `kernel` (Wing & Gong with Lowe's memoization, compiled by `compiled`), `impossible` and
`words` (what to show when there is no order), `by_model` (all of it as one checker).

For the registry: `split` (a history and its lists into instances), `presence` (the data type, reduced
to a small search problem), `search`, `explain`, `checker`; and for large histories `columns`, which
proves keys by `zones` (Gibbons & Korach) or by the compiled search before anybody looks at one.

What may not: knowledge of how a history came to be. Importing this loads no compiled code.
"""

from checkers.linearizability.checker import Linearizability

__all__ = ["Linearizability"]
