"""How long work goes on, reckoned from the part of it that is done."""

from __future__ import annotations

LEAST_SHARE = 0.02
"""A smaller share says little: what begins slowly, such as a download, would seem to take days."""


class TimeLeft:
    """The time left, reckoned when the known part grows, and counted down until it grows again."""

    def __init__(self) -> None:
        self._share = 0.0
        self._at_s = 0.0

    def after(self, took_s: float, share: float) -> float | None:
        """The seconds that are left; None while that is not known, or once it took longer than reckoned."""
        if share > self._share:
            self._share, self._at_s = share, took_s
        if self._share < LEAST_SHARE:
            return None
        left_s = self._at_s / self._share - took_s
        return None if left_s < 0 and self._share < 1 else max(left_s, 0.0)
