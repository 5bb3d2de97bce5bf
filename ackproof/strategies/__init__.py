"""Hypothesis strategies: operations, histories, schedules of faults, and a state machine for registries.

    from ackproof import strategies

    @given(strategies.histories("register"))
    def test_my_checker_accepts_what_is_linearizable(history): ...

    TestRegistry = strategies.registry_machine(strategies.simulated_registry(nodes=3)).TestCase

This package imports Hypothesis, so it is imported only where it is used; docs/pytest.md shows more. Only
`histories` imports Ackproof's other packages. All else works in a project that has modules of their names.
"""

from ackproof.strategies.data_types import Asked, operations
from ackproof.strategies.histories import histories
from ackproof.strategies.registry import RegistryClient, registry_machine
from ackproof.strategies.schedules import fault_schedules
from ackproof.strategies.simulated import simulated_registry

__all__ = [
    "Asked",
    "RegistryClient",
    "fault_schedules",
    "histories",
    "operations",
    "registry_machine",
    "simulated_registry",
]
