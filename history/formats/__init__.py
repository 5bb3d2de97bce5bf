"""Readers of histories in any known format: a file or text in, a `History` and its line numbers out.

- `reading` is the one place that loads a history; it knows all formats.
- `jepsen_edn`, `jepsen_log` and `edn` read one format each; `builder` is what they have in common.

Nothing here judges a history. Input that breaks a rule is refused with its line; nothing is guessed, left out
or repaired.
"""

from history.formats.builder import RecordedHistory, Reinterpretation
from history.formats.reading import FORMATS, decoded, read

__all__ = ["FORMATS", "RecordedHistory", "Reinterpretation", "decoded", "read"]
