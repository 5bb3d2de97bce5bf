"""How much a verdict shows of what a checker found: the limits on evidence, in one place.

A verdict's `measures` count everything. What is written out for people is bounded, so that a verdict of
a million violations stays a page that a person reads.
"""

from __future__ import annotations

from typing import Final

MOST_EVIDENCE: Final = 12
"""Violations that a checker of clients' operations writes out."""
MUCH_EVIDENCE: Final = 24
"""The same where several findings belong together: of nodes' traces and logs, and of transactions."""
MOST_NAMED: Final = 12
"""Operations that one sentence lists by name; of more, it gives the number."""
MOST_VALUES: Final = 4
"""Values that a headline lists by name."""
MOST_OPERATIONS_NEXT: Final = 8
"""Operations for which evidence explains why they cannot come next in an order."""
MOST_ELEMENTS_SHOWN: Final = 6
"""Elements of a long list that are written out."""
MOST_CASES: Final = 8
"""Examples of each kind of anomaly between transactions."""
MOST_KINDS_OF_ERRORS: Final = 50
"""Kinds of errors that are counted by name."""
MOST_LOG_LINES: Final = 12
"""Lines of a node's log that are written out for one finding."""
