"""What the nodes' traces say, before anything is judged.

- `replay` rebuilds one node's log from its trace, event by event, and notes what invariants are about.
- `cluster` does so for all nodes, and says what is missing.
- `entries` numbers all log entries; `state_order` keeps each node's state in order; `compact` holds such
  facts in few bytes.
- `causality` says what happened before what, across nodes.
"""
