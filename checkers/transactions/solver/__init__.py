"""Decides whether some order of a history's transactions explains every read: the search behind
`rw_register`.

Reads of registers show which write they saw, and not where the other writes of the key belong. So for each
read of a version, every other write of the key comes before that version or after the read: one of two
orders. This is Papadimitriou's polygraph (J. ACM 26, 1979), which Cobra (OSDI 2020) decides for
serializability, PolySI (VLDB 2023) for snapshot isolation, and VeriStrong for values that were written more
than once.

A history passes through `problem` (transactions as points of time, with the orders that are certain),
`first_order` (an order to start from), `search` (repairs that order, one contradicted read after the other,
and goes back where it cannot) and `decide` (the answer). `points` keeps the points in order as orders between
them are added, `clauses` learns from contradictions, `state` holds the arrays of both. `proof` turns a
refutation into orders that a person can follow. What may not live here: knowledge of anomalies by name.
"""
