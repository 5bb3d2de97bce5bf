"""Transactions: which isolation a history shows, by cycles of dependencies between its transactions.

After Kingsbury & Alvaro, "Elle: inferring isolation anomalies from experimental observations" (VLDB
2020), whose anomalies are Adya's (PhD thesis, MIT 1999) and whose data types are lists that grow by
unique appends, and registers that are written unique values.

What lives here, in the order in which a history passes through: `transactions` (all steps of a history),
`list_append` and `rw_register` (the reads show which versions there were, and in which order), `unread`
(where appends that no read shows can stand), `graph/` (versions become dependencies, and these
anomalies), `solver/` (whether an order of register transactions exists), `weak/` (read committed to
causal, without a search), `consistency` (what an anomaly rules out), `isolation` (the checker) and
`words`. What may not: knowledge of how a history came to be.
"""
