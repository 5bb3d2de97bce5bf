"""Transactions: which isolation a history shows, by cycles of dependencies between its transactions.

After Kingsbury & Alvaro, "Elle: inferring isolation anomalies from experimental observations" (VLDB 2020),
whose anomalies are Adya's (PhD thesis, MIT 1999) and whose data types are lists that grow by unique
appends, and registers that are written unique values.

What lives here, in the order in which a history passes through: `scan` (values as bytes into steps),
`transactions` (all of a history's), `list_append` and `rw_register` (the reads show which versions
there were, and in which order), `dependencies` (versions into edges), `components` (strongly connected
parts and shortest cycles, compiled), `cycles` (which anomaly a cycle is), `consistency` (what an anomaly
rules out), `words`, `checker`. What may not: knowledge of how a history came to be.
"""
