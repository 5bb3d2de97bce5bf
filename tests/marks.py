"""Marks for tests that take long: a share of them runs in CI, all of them when asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest


def first_in_ci(values: Sequence[Any], share: int) -> list[Any]:
    """Parameters of which the first `share` are a campaign, which CI runs, and the others are `thorough`."""
    campaign = [pytest.param(value, marks=pytest.mark.campaign) for value in values[:share]]
    return campaign + [pytest.param(value, marks=pytest.mark.thorough) for value in values[share:]]
