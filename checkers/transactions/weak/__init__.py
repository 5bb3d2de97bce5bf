"""Weak isolation of registers, decided: read committed, monotonic atomic view, read atomic, causal, PRAM.

The definitions are those of Biswas & Enea ("On the complexity of checking transactional consistency",
OOPSLA 2019): a history keeps a level if a commit order exists that contains what reads saw (and, for levels
that ask for it, the order of each process), and in which no read missed a write that the level lets it see.
Every pair that such an order must contain is inferred; the level holds if and only if these close no cycle.
The algorithms are those of AWDIT (Moldrup & Pavlogiannis, PLDI 2025), except for PRAM.

In the order in which a history passes through: `resolve` (which transaction each read saw, and what shows
without a cycle), `views`, `causal` and `pram` (the pairs that each level infers), `orders` (an order of all
pairs, or the smallest cycle), `words`, `judging`.
"""
