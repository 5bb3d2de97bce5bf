"""Inner loops on flat arrays of integers, compiled with numba where it is installed.

`history.kernels` compiles; `arena` holds the types that kernels take, each a NamedTuple of arrays.
`prepare` lays a part's operations out, `search` looks for an order of them, with `transitions` (what an
operation does to a state) and `memo` (which configurations were seen). `each` does this for all parts of a
history in one call. `queue_pairs` searches queues. `zones` decides registers whose writes all differ without
a search. What makes numbers of calls and states is in `states`. Without numba the same source runs as plain
Python, with the same verdicts.
"""
