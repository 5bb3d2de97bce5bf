"""The file that lists the findings that are known: checked in next to the code that is tested.

```toml
version = 1

[[known]]
fingerprint = "0a1b2c3d4e"
why = "issue 12: a deposed leader answers reads"
resolved = false       # true: it was fixed; if it comes back, it has regressed
```
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from harness.errors import unknown_name
from harness.formats import newer
from history.files import RefusedFile, read_regular

FORMAT = 1
_FINGERPRINT = re.compile(r"[0-9a-f]{10}")
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<key>[^`]*)`(?: - at `\$(?P<at>[^`]*)`)?")


class Known(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One finding that is known."""

    fingerprint: str
    why: str = ""
    resolved: bool = False


class _Baseline(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: int
    known: tuple[Known, ...] = ()


def read_baseline(path: Path) -> Mapping[str, Known]:
    """The known findings by fingerprint.

    Raises:
        ValueError: the file cannot be read, or something in it is wrong: the file, the line, the nearest key.
    """
    try:
        text = read_regular(path).decode()
        table = tomllib.loads(text)
    except FileNotFoundError as error:
        raise ValueError(f"there is no baseline {path}") from error
    except (OSError, RefusedFile, ValueError) as error:
        words = " ".join(str(error).split())
        raise ValueError(words if words.startswith(str(path)) else f"{path}: {words}") from error
    rule = newer(table.get("version"), FORMAT, "version")
    if rule is not None:
        raise ValueError(f"{path} {rule}")
    try:
        baseline = msgspec.convert(table, _Baseline)
    except msgspec.ValidationError as error:
        raise ValueError(f"{path}{_in_words(str(error), text)}") from error
    known: dict[str, Known] = {}
    for one in baseline.known:
        if not _FINGERPRINT.fullmatch(one.fingerprint):
            raise ValueError(
                f"{path}: {one.fingerprint[:40]!r} is no fingerprint: ten of the digits 0-9, a-f"
            )
        if one.fingerprint in known:
            raise ValueError(f"{path}: {one.fingerprint} is listed twice")
        known[one.fingerprint] = one
    return known


def _in_words(error: str, text: str) -> str:
    unknown = _UNKNOWN.match(error)
    if unknown is None:
        return f": {error.replace(' - at `$', ' at `')}"
    fields = (Known if unknown["at"] else _Baseline).__struct_fields__
    used = re.compile(rf"^\s*\[*{re.escape(unknown['key'])}\s*[\]=]")
    where = next((number for number, line in enumerate(text.splitlines(), 1) if used.search(line)), None)
    return f"{'' if where is None else f', line {where}'}: {unknown_name('key', unknown['key'], fields)}"
