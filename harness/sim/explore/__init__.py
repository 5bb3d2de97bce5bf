"""Bounded exhaustive exploration: every behaviour of the unchanged Raft core in a small scope.

Where `harness/sim` draws one behaviour from a seed, this package tries all of them: every order of messages,
any of which may never arrive, every moment for a timer, every crash. It checks Raft's invariants in each
state that it reaches, so a scope that was exhausted without a violation is *verified*, and a violation comes
with as few steps as any.

| file | what |
|---|---|
| `scope.py` | the bounds: nodes, elections, proposals, crashes; and the disks at the start |
| `node/` | one node: the core, its disk, and what waits for the disk; the things that can happen to it |
| `known.py` | numbers for nodes, messages and pasts that are met again and again |
| `space.py` | states of the cluster, and which follows which |
| `invariants.py` | what must hold |
| `search.py` | breadth-first through the space, with bounds |
| `walks.py` | random walks through the space, for what lies too deep for that |
| `reached.py` | which rules of the core a search came to |
| `counterexample.py` | the steps to a violation: in words, in a file, taken again |
| `command.py` | what `ackproof explore` does |

Only `command.py` reads a clock; the search asks it whether to stop.
"""
