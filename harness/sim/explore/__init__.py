"""Bounded exhaustive exploration: every behaviour of the unchanged Raft core in a small scope.

Where `harness/sim` draws one behaviour from a seed, this tries them all: every order of messages, any of
which may never arrive, every moment for a timer, every crash. It holds Raft's invariants in each state
that it comes to, so a scope that was exhausted without a violation is *verified*, and a violation comes with
one of the shortest ways to it.

| file | what |
|---|---|
| `scope.py` | how far: nodes, elections, proposals, crashes; and where it begins |
| `member.py` | one node: the core, its disk, and what waits for the disk; the things that can happen to it |
| `copying.py`, `shape.py` | copying a node, and telling whether two are the same |
| `known.py` | numbers for what is met again and again |
| `space.py` | states of the cluster, and which follows which |
| `invariants.py` | what must hold |
| `search.py` | breadth-first through the space, with bounds |
| `path.py` | a way to a violation: told, written to a file, walked again |
| `command.py` | what `ackproof explore` does |

Only `command.py` reads a clock: the search is told when to stop.
"""
