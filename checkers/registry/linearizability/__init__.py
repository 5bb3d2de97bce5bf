"""Linearizability of a service registry: registrations of instances, lookups and lists of services.

- `linearizability` and `honesty` are the two checkers; `portfolio` decides for both, once.
- `claims` is a history as arrays: what each operation claims about its key.
- `by_index` tries the order of the Raft indices that the replies name. It decides most histories.
- `by_search` decides without any index, key by key, and explains what it finds.
"""

from checkers.registry.linearizability.honesty import IndexHonesty
from checkers.registry.linearizability.linearizability import Linearizability

__all__ = ["IndexHonesty", "Linearizability"]
