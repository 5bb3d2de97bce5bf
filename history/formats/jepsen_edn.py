"""EDN maps, one an event, bare or all in one vector: Jepsen's `history.edn`, Porcupine's `kv/*.txt`.

`{:type :invoke, :f :cas, :value [0 1], :process 3, :time 1234, :index 7}`; `:time` may be missing from
all, in which case the order of lines is the time. Porcupine's also have `:key`. With `independent`, a
value is `[key value]`, as `jepsen.independent` writes it.
"""

from __future__ import annotations

from typing import Any, cast

from history.formats.builder import Builder, RecordedHistory
from history.formats.edn import forms
from history.history import TYPES, HistoryError
from history.operation import OperationType


def read_edn(text: str, source: str, *, independent: bool = False) -> RecordedHistory:
    """Read events.

    Raises:
        HistoryError: an event cannot be read, or breaks a history's rules; with its line.
    """
    builder = Builder(source)
    timed: bool | None = None
    for line, form in forms(text, source):
        events = form if isinstance(form, list) else [form]
        for event in events:
            if not isinstance(event, dict):
                raise HistoryError(line, f"an event is a map, not {event!r}", source)
            if timed is None:
                timed = "time" in event
            if timed != ("time" in event):
                raise HistoryError(line, "some events have a :time and some have none", source)
            _add(builder, line, event, independent)
    return builder.finish()


def _add(builder: Builder, line: int, event: dict[str, Any], independent: bool) -> None:
    def refuse(rule: str) -> HistoryError:
        return HistoryError(line, rule, builder.source)

    for field in ("type", "f", "process"):
        if field not in event:
            raise refuse(f"an event without :{field}")
    type_, f, process, value = event["type"], event["f"], event["process"], event.get("value")
    time, key, error = event.get("time"), event.get("key"), event.get("error")
    if type_ not in TYPES:
        raise refuse(f":type is {type_!r}, not one of {', '.join(TYPES)}")
    if not isinstance(f, str):
        raise refuse(f":f is {f!r}, not a name")
    if time is not None and type(time) is not int:
        raise refuse(f":time is {time!r}, not whole nanoseconds")
    if not isinstance(process, int):
        if process != "nemesis":
            raise refuse(f":process is {process!r}, neither a number nor :nemesis")
        builder.add_nemesis(line, f, value, time=time)
        return
    if process < 0:
        raise refuse(f":process is {process}, below 0")
    if independent:
        if not isinstance(value, list) or len(value) != 2:
            raise refuse(f"with independent keys a :value is [key value], not {value!r}")
        key, value = value
    builder.add(
        line,
        process,
        cast(OperationType, type_),
        f,
        None if key is None else str(key),
        value,
        time=time,
        error=None if error is None else str(error),
    )
