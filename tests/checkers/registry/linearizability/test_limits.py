"""The budgets of the registry's searches."""

from __future__ import annotations

from checkers.linearizability.answer import Budget
from checkers.registry.linearizability.portfolio import Limits

LIMITS = Limits(service=Budget(300, 1 << 20), configurations_of_all_services=1000, least_per_service=20)


def test_a_service_has_its_whole_budget_while_all_services_together_have_enough() -> None:
    assert LIMITS.of_service(spent=0) == Budget(300, 1 << 20)
    assert LIMITS.of_service(spent=700).configurations == 300


def test_services_after_many_that_gave_up_get_what_is_left_and_at_least_a_little() -> None:
    assert LIMITS.of_service(spent=900).configurations == 100
    assert LIMITS.of_service(spent=5000).configurations == 20
