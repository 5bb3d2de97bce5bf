"""How long a history of other tools takes to read: processor time for each event, by format.

    python -m benchmarks.checkers.reading [--events 1000000] [--plain]

Each format is written to a file and read in a process of its own, once for the start-up (ten events) and then
whole; what is shown is the difference. `--plain` turns compiled code off.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

Event = tuple[int, str, str, object]
SEED = 14
READ = """
import sys
from pathlib import Path
from history.formats import read
recorded = read(Path(sys.argv[1]))
len(recorded.history)
"""


def events(count: int, seed: int = SEED) -> Iterator[Event]:
    """Events of 20 clients on a register, with failures and unknown outcomes, after which a client is new."""
    random = Random(seed)
    pending: dict[int, tuple[str, object]] = {}
    process_of = list(range(20))
    for _ in range(count):
        client = random.randrange(20)
        process = process_of[client]
        if process not in pending:
            f = random.choice(("read", "write", "cas"))
            value: object = {"read": None, "write": random.randrange(count)}.get(f, [random.randrange(5), 3])
            pending[process] = f, value
            yield process, "invoke", f, value
            continue
        f, value = pending.pop(process)
        outcome = random.choices(("ok", "fail", "info"), (90, 5, 5))[0]
        if outcome == "info":
            process_of[client] += 20
        yield process, outcome, f, random.randrange(count) if f == "read" and outcome == "ok" else value


def edn_value(value: object) -> str:
    """A value as EDN."""
    return "nil" if value is None else str(value).replace(",", "")


def edn(index: int, event: Event) -> str:
    """A line of `history.edn`."""
    process, type_, f, value = event
    shown = edn_value(value)
    place = f":process {process}, :time {index * 1000}, :index {index}"
    return f"{{:type :{type_}, :f :{f}, :value {shown}, {place}}}"


def log(index: int, event: Event) -> str:
    """A line of `jepsen.log`."""
    process, type_, f, value = event
    stamp = f"2024-05-04 10:00:{index % 60:02},000{{GMT}}"
    worker = f"INFO\t[jepsen worker {process % 20}] jepsen.util:"
    return f"{stamp}\t{worker} {process}\t:{type_}\t:{f}\t{edn_value(value)}"


def json_line(index: int, event: Event) -> str:
    """A JSON object, as elle-cli reads it."""
    process, type_, f, value = event
    shown = "null" if value is None else str(value).replace(" ", "")
    place = f'"process":{process},"time":{index * 1000},"index":{index}'
    return f'{{"type":"{type_}","f":"{f}","value":{shown},{place}}}'


FORMATS: dict[str, Callable[[int, Event], str]] = {"EDN": edn, "Jepsen's log": log, "JSON lines": json_line}


def seconds(path: Path, plain: bool) -> tuple[float, float]:
    """The processor time of reading a file in a process of its own, and its memory in MiB."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = dict(os.environ, **({"NUMBA_DISABLE_JIT": "1"} if plain else {}))
    subprocess.run([sys.executable, "-c", READ, str(path)], check=True, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return spent, after.ru_maxrss / 1024


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--plain", action="store_true")
    arguments = parser.parse_args()
    print(f"seed {SEED}, {arguments.events} events")
    with tempfile.TemporaryDirectory() as folder:
        for name, line in FORMATS.items():
            path, few = Path(folder) / "history", Path(folder) / "few"
            texts = [line(index, event) for index, event in enumerate(events(arguments.events))]
            path.write_text("\n".join(texts) + "\n")
            few.write_text("\n".join(texts[:10]) + "\n")
            size = path.stat().st_size / 1e6
            del texts
            seconds(path, arguments.plain)  # compiles, at the first time
            start, _ = seconds(few, arguments.plain)
            whole, memory = seconds(path, arguments.plain)
            each = (whole - start) / arguments.events * 1e6
            print(
                f"{name}: {each:.2f} us an event ({size:.0f} MB; {whole:.2f} s whole, {start:.2f} s of it to "
                f"start; {memory:.0f} MiB)"
            )


if __name__ == "__main__":
    main()
