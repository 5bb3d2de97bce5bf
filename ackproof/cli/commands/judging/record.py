"""`ackproof record`: records what a client program of another author does, and judges it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NoReturn

import click

from ackproof.cli import options
from ackproof.cli.commands.judging.check import MODEL
from ackproof.cli.output.ending import judge_recorded_and_finish
from ackproof.cli.output.printing import say
from ackproof.cli.output.progress import Working
from checkers.words import plural

DEFAULT_ADDRESS = "127.0.0.1:8642"
STDIN, STDOUT = 0, 1


@click.command()
@MODEL
@options.listen_option(DEFAULT_ADDRESS)
@click.option(
    "--reachable-by-anyone",
    is_flag=True,
    help="Allow --listen with an address that other machines reach. There is no password: every program "
    "that reaches it can write into the recording, and end it.",
)
@click.option(
    "--stdin",
    "by_lines",
    is_flag=True,
    help="Read requests as lines of JSON from standard input instead, and answer each with a line on "
    "standard output. The end of the input ends the recording.",
)
@click.option(
    "--idle-seconds",
    "idle_s",
    type=click.FloatRange(min=0, min_open=True),
    help="End the recording after this time without a request.  [default: wait]",
)
@click.option(
    "--time-limit",
    "time_limit_s",
    type=click.FloatRange(min=0, min_open=True),
    help="End the recording after this many seconds.  [default: no limit]",
)
@options.store_option("Where the recording's folder is made.")
@options.ci_options()
@options.json_option()
def record(
    model: str,
    consistency: str | None,
    options_: dict[str, str],
    listen: tuple[str, int] | None,
    reachable_by_anyone: bool,
    by_lines: bool,
    idle_s: float | None,
    time_limit_s: float | None,
    store: Path,
    as_json: bool,
) -> NoReturn:
    """Record what a client of your own does, and judge it.

    The client may be written in any language, and the system under test may be anything. Before each
    operation the client reports an invocation, and sends its request only after the answer; after the reply
    it reports the completion. docs/record.md shows complete clients. The recording ends when a client ends
    it, with Ctrl-C, or after --idle-seconds; what never completed counts as `info`, and the history is judged
    as by `ackproof check`. A recorder that was killed leaves a folder that `ackproof analyze` judges.

    With --stdin, the answers are on standard output; the verdict is on standard error, or with --json the
    last line of standard output.

    \b
        ackproof record --model register
        curl localhost:8642/v1/invoke \\
            -d '{"process": 0, "f": "write", "key": "x", "value": 1}'
        curl localhost:8642/v1/complete \\
            -d '{"process": 0, "type": "ok", "value": null}'
        curl -X POST localhost:8642/v1/end
    """
    from ackproof.judging.recorded import inspector_of, question_of  # here, since these load the judges
    from harness.recording.folder import Asked
    from harness.recording.recorder import Address, Bounds
    from harness.recording.recorder import record as record_until_its_end

    if by_lines and (listen is not None or reachable_by_anyone):
        raise click.UsageError("--stdin takes requests by standard input alone; leave --listen out")
    asked = Asked(model, consistency, options_)
    try:
        question = question_of(asked)
    except ValueError as refusal:
        raise click.UsageError(str(refusal)) from None
    address = Address(*(listen or ("127.0.0.1", 8642)))
    if not address.is_loopback and not reachable_by_anyone:
        raise click.BadParameter(
            f"other machines may reach {address.host}, and there is no password; use 127.0.0.1, or allow it "
            "with --reachable-by-anyone",
            param_hint="'--listen'",
        )
    until = f"recording until {'the input' if by_lines else 'a client'} ends it, or Ctrl-C"
    with Working(until, quiet=as_json, most_s=time_limit_s, in_logs=False) as working:
        done = record_until_its_end(
            store,
            asked,
            channel=(STDIN, STDOUT) if by_lines else address,
            bounds=Bounds(idle_s, time_limit_s),
            command=sys.argv,
            say=lambda text: working.above(lambda: say(f"ackproof: {text}", error=True)),
            inspect=inspector_of(question),
        )
    say(
        f"ackproof: {done.why}; {plural(done.events, 'event')}, "
        f"{plural(done.not_completed, 'operation')} not completed",
        error=True,
    )
    judge_recorded_and_finish(done.folder, as_json=as_json, on_stderr=by_lines)
