"""Values that are `[key value]`, as `jepsen.independent` writes them: recognized, and taken apart."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np

from history.formats.builder import ABSENT, NEMESIS_PROCESS, Events, Vocabulary
from history.formats.events import key_text, shortened
from history.history import FAIL, INFO, INVOKE, HistoryError
from history.values import decoded, in_words

_pair = msgspec.json.Decoder(tuple[msgspec.Raw, msgspec.Raw])


def _split(text: str) -> tuple[str, str] | None:
    """The key and the value, as JSON; None if the value is no list of two."""
    if not text.startswith("["):
        return None
    try:
        key, value = _pair.decode(text)
    except msgspec.DecodeError:
        return None
    return bytes(key).decode(), bytes(value).decode()


def may_be_keyed(events: Events) -> bool:
    """Whether every value of a client is a list of two, so that `[key value]` is one way to read the file."""
    client = (events.process != NEMESIS_PROCESS) & (events.type != FAIL)
    asked = client & (events.type != INFO)
    if (events.key != ABSENT).any() or not asked.any() or (events.value[asked] == ABSENT).any():
        return False
    for code in np.unique(events.value[client & (events.value != ABSENT)]).tolist():
        pair = _split(events.values[code])
        if pair is None or pair[0].startswith("["):  # a key is a number or a name; a step is a list
            return False
    return True


def is_keyed(events: Events) -> bool:
    """Whether some operation asks for `[key nil]`, which only a history with keys does."""
    asked = np.unique(events.value[(events.type == INVOKE) & (events.value != ABSENT)])
    return any(events.values[code].endswith(",null]") for code in asked.tolist())


def taken_apart(events: Events, source: str) -> Events:
    """The events with the key and the value apart.

    Raises:
        HistoryError: a value is no list of two; with its line.
    """
    keys, values = Vocabulary(), Vocabulary()
    size = len(events.values) + 1
    key_of, value_of = np.full(size, ABSENT, dtype=np.int64), np.full(size, ABSENT, dtype=np.int64)
    strange = np.zeros(size, dtype=bool)
    for code, text in enumerate(events.values):
        pair = _split(text)
        if pair is None:
            strange[code] = True
            continue
        key_of[code] = keys.code(key_text(decoded(pair[0])))
        value_of[code] = values.code(None if pair[1] == "null" else pair[1])
    strange[-1] = True
    by_nemesis = events.process == NEMESIS_PROCESS
    wrong = np.flatnonzero(
        strange[events.value] & ~by_nemesis & (events.type != FAIL) & (events.type != INFO)
    )
    if len(wrong):
        place = int(wrong[0])
        code = int(events.value[place])
        shown = "nil" if code < 0 else shortened(in_words(decoded(events.values[code])))
        rule = f"with independent keys a value is [key value], not {shown}"
        raise HistoryError(int(events.line[place]), rule, source)
    return replace(
        events, key=key_of[events.value], keys=keys.texts, value=value_of[events.value], values=values.texts
    )
