"""Decides one key of a registry by search, without any Raft index, and explains a key that has no order.

- `presence` reduces a key's operations to a small search problem; `split` cuts a key where it was empty.
- `columns` does the same for large histories, and `long_key` for one long key, by compiled code.
- `service` decides lists of all instances of a service, which concern several keys.
- `explain` finds the smallest impossible part of a key that is not linearizable.
"""
