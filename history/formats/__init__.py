"""Readers of histories in any known format: a file or text in, a `History` and its line numbers out.

- `reading` is the one place that loads a history; it knows all formats.
- `jepsen_edn`, `jepsen_log` and `edn` read one format each; `builder` is what they have in common.

Nothing here judges a history. Input that breaks a rule is refused with its line; nothing is guessed, left out
or repaired.

A name is loaded when it is first used: `NAMES` alone needs no array library.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from history.formats.builder import RecordedHistory, Reinterpretation
    from history.formats.names import NAMES
    from history.formats.reading import FORMATS, decoded, read

__all__ = ["FORMATS", "NAMES", "RecordedHistory", "Reinterpretation", "decoded", "read"]


def __getattr__(name: str) -> Any:
    """Load a name of this package when it is first used (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module 'history.formats' has no attribute {name!r}")
    value = getattr(_module_of(name), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _module_of(name: str) -> Any:
    """Import the one module that defines this name."""
    if name == "NAMES":
        from history.formats import names

        return names
    if name in ("RecordedHistory", "Reinterpretation"):
        from history.formats import builder

        return builder
    from history.formats import reading

    return reading
