"""Linearizability (Herlihy & Wing 1990) of any data type that has a model in `checkers.models`.

A history is linearizable if some order of its operations explains every reply and respects real time.

- `by_model` is the checker: it judges a history key by key.
- `part` is what a search is given: the operations on one key, as arrays.
- `engine` is the search (Wing & Gong, with Lowe's memoization) over any model; what it is made of is in
  `search`, its inner loops are in `kernels`.
- `item_search` is a small search in plain Python; `kernels.zones` decides keys without a search (Gibbons &
  Korach).
- `distinct_values` decides sets and queues of distinct values without a search.
- `tally` counts what was found. `impossible`, `evidence` and `words` say what to show where no order exists.

Nothing here knows how a history was recorded, or which system answered. Importing this package loads no
compiled code.
"""
