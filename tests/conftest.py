"""Settings for every test: Hypothesis never judges by the clock, and tries the same examples each time.

`HYPOTHESIS_PROFILE=wander pytest` tries others, and prints how to reproduce what it finds.
"""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("ackproof", deadline=None, print_blob=True, derandomize=True)
settings.register_profile("wander", deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ackproof"))
