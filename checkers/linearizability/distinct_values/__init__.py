"""Sets and queues whose values are distinct: decided without a search, in O(n log n).

- `rows` is a history as numbers.
- `queues` and `sets` hold the rules, with their proofs.
- `distinct` says which keys they decide, and gives a small impossible part of one that has no order.
"""
