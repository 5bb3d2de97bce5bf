"""Settings for every test: Hypothesis prints how to reproduce, and never judges by the clock."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("ackproof", deadline=None, print_blob=True)
settings.load_profile("ackproof")
