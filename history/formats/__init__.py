"""Readers of histories that others recorded: text in, a `History` and its line numbers out.

What lives here: one format a file, and `read`, which knows them all. What may not: judging what a
history says. Whatever breaks a rule is refused with its line; nothing is guessed, skipped or repaired.
"""

from history.formats.foreign import Foreign
from history.formats.reading import FORMATS, read

__all__ = ["FORMATS", "Foreign", "read"]
