"""The one sentence of each kind of violation: who, what, when.

`headline` chooses the function that knows the evidence of a checker: of what nodes did in `of_nodes`, of what
clients saw in `of_clients`.
"""
