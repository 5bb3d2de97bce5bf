"""The formats of what a store holds: a file states a number, and one of a newer version is refused by name.

Each kind of file keeps its number where it is written. The number of a run's folder stands here, as listings
of a store read it without the rest of `run`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from history.files import RefusedFile

RUN_KEY: Final = "ackproof_run"
"""Where test.json states the format of the run's folder. Older folders lack it, and are read."""
RUN_FORMAT: Final = 1
"""It grows when versions that know only the number before cannot read a new folder."""


class NewerRun(RefusedFile):
    """A run's folder that a newer version wrote, and that this one cannot read."""


def refuse_newer_run(path: Path, facts: Mapping[str, object]) -> None:
    """Refuse a run's test.json if its folder is one of a newer version.

    Args:
        path: the file, for the message.
        facts: what it holds.

    Raises:
        NewerRun: the folder's format is newer than ours: the file, its format, and what to do.
    """
    rule = newer(facts.get(RUN_KEY), RUN_FORMAT)
    if rule is not None:
        raise NewerRun(path, rule)


def newer(stated: object, known: int, word: str = "format") -> str | None:
    """Why a file whose format has this number cannot be read; None if nothing says that it is a newer one.

    Args:
        stated: what the file says.
        known: the newest format that is read.
        word: what the file calls the number.
    """
    if not isinstance(stated, int) or stated <= known:
        return None
    ours = f"this version of Ackproof reads {known}"
    return f"has {word} {stated}, and {ours}: a newer version wrote it; update Ackproof to read it"
