"""Texts that are written show no secret value: what stands for it stands in its place.

A system's client may quote a password in an error, as an HTTP library quotes an address. So each secret that
is looked up (`harness.systems.secrets`) is noted here, and what is written of errors passes through
`concealed`.
"""

from __future__ import annotations

FEWEST_LETTERS = 4
"""Shorter values are not looked for: they stand in many words by chance."""
_instead: dict[str, str] = {}


def conceal(value: str, instead: str) -> None:
    """From now on, show `instead` where this value stands."""
    if len(value) >= FEWEST_LETTERS:
        _instead[value] = instead


def concealed(text: str) -> str:
    """The text, with what stands for each secret value in its place; of two that overlap, the longer one."""
    for value in sorted(_instead, key=len, reverse=True):
        text = text.replace(value, _instead[value])
    return text
