"""Starts the `ackproof` command, and turns every error into one line and an exit code.

Nothing of ours but `ackproof` itself is imported before it is known that no other package hides it.

`program` is what a shell starts. It ends the process as soon as nothing is left to be done. Python would
first take apart all that was loaded, which takes up to a quarter of the time of a short command.
"""

from __future__ import annotations

import atexit
import gc
import os
import signal
import sys
import threading
import traceback
from typing import TYPE_CHECKING, NoReturn

from ackproof.cli.output.exits import Exit
from ackproof.cli.output.printing import printable, shortened
from ackproof.cli.output.streams import flush, make_steady, say_what_was_lost
from ackproof.clock import process_is_command
from ackproof.shadows import shadow

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

    import click

REPEATED_AFTER_S = 0.01


def program() -> NoReturn:
    """Run the command that the arguments name, and end this process."""
    process_is_command()
    gc.disable()  # until the command is loaded (ackproof/cli/main.py)
    try:
        main()
    except SystemExit as end:
        if isinstance(end.code, int):
            end_at_once(end.code)
        raise


def end_at_once(status: int) -> None:
    """Do what was put off until the end, write what was printed, and end this process.

    Where another thread is left, only Python's own end waits for it: then nothing is done.
    """
    if threading.active_count() > 1:
        return
    atexit._run_exitfuncs()
    flush()
    os._exit(status)


def main() -> NoReturn:
    """Run the command that the arguments name, and exit."""
    sys.unraisablehook = repeat_interruption
    try:
        make_steady()
        problem = shadow()
        if problem is not None:
            _say(problem)
            raise SystemExit(Exit.COULD_NOT_RUN)
        _run()
    except KeyboardInterrupt:  # the second one, while the first was answered
        raise SystemExit(Exit.COULD_NOT_RUN) from None
    finally:
        _end_interruptions()
        say_what_was_lost()


def repeat_interruption(unraisable: UnraisableHookArgs) -> None:
    """Let a Ctrl-C come again that came where Python can raise nothing, and would only print it."""
    if unraisable.exc_type is KeyboardInterrupt:
        threading.Timer(REPEATED_AFTER_S, os.kill, (os.getpid(), signal.SIGINT)).start()
    else:
        sys.__unraisablehook__(unraisable)


def _run() -> NoReturn:
    import click

    from ackproof.cli.main import cli
    from harness.concealing import concealed
    from harness.errors import CouldNotRun

    try:
        cli.main(standalone_mode=False)
    except click.UsageError as error:
        _fail(concealed(in_one_line(error)), Exit.USAGE)
    except CouldNotRun as error:
        _fail(concealed(str(error)))
    except (click.Abort, KeyboardInterrupt) as interruption:
        _end_interruptions()
        _fail(str(interruption.__cause__ or interruption) or "interrupted")  # click aborts because of it
    except OSError as error:
        if error.filename is not None:
            _fail(f"{error.filename}: {error.strerror}")
        if isinstance(error, FileNotFoundError):
            _fail(str(error))
        _give_up()  # a connection that nothing expected to break
    except Exception as error:  # noqa: BLE001 - Python would exit with 1, which means `invalid` here
        if _is_history_error(error):
            _fail(str(error))
        _give_up()
    raise SystemExit(Exit.VALID)


def in_one_line(error: click.UsageError) -> str:
    """What is wrong with the arguments, and whose help says what they may be.

    click writes some lists of choices one below the other.
    """
    message = " ".join(error.format_message().split())
    return f"{message.rstrip('.')} (see {error.ctx.command_path} --help)" if error.ctx else message


def _end_interruptions() -> None:
    """From now on Ctrl-C changes nothing: how the command ends is settled, and it ends at once."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _is_history_error(error: Exception) -> bool:
    """Whether a history was refused; `history` is loaded only now, since it takes a while."""
    from history import HistoryError

    return isinstance(error, HistoryError)


def _give_up() -> NoReturn:
    """Say what Python says of an error that nothing expected."""
    traceback.print_exc()
    _fail("this is a bug of ackproof itself, please report it; the run was not judged")


def _fail(message: str, code: Exit = Exit.COULD_NOT_RUN) -> NoReturn:
    message = shortened(message)
    _say(message)
    if "--json" in sys.argv[1:]:
        from ackproof.cli.output.failing import print_failure

        print_failure(sys.argv[1:], message, code)
    raise SystemExit(code) from None


def _say(message: str) -> None:
    print(printable(f"ackproof: {message}"), file=sys.stderr)  # noqa: T201 - click may not be loaded yet
