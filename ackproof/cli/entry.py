"""What `ackproof` on the command line starts: loads what the command needs, and ends every error in one line.

`ackproof check` judges a file in less time than importing all that a run needs would take (HTTP clients,
systems, reports), so it is loaded alone.
"""

from __future__ import annotations

import sys
import traceback
from typing import NoReturn

import click

from harness.errors import CouldNotRun
from history import HistoryError

USAGE, COULD_NOT_RUN = 254, 255


def main() -> NoReturn:
    """Run the command that the arguments name."""
    run(_check_alone() if sys.argv[1:2] == ["check"] else _all())


def _check_alone() -> click.Group:
    from ackproof.cli.check import check

    settings = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
    return click.Group("ackproof", commands={"check": check}, context_settings=settings)


def _all() -> click.Group:
    from ackproof.cli.main import cli

    return cli


def run(group: click.Group) -> NoReturn:
    """Run a command; every error is one line on standard error."""
    try:
        group.main(standalone_mode=False)
    except click.UsageError as error:
        where = f"\n{error.ctx.command_path} --help tells more." if error.ctx else ""
        click.echo(f"ackproof: {error.format_message()}{where}", err=True)
        raise SystemExit(USAGE) from None
    except (CouldNotRun, HistoryError, FileNotFoundError) as error:
        click.echo(f"ackproof: {error}", err=True)
        raise SystemExit(COULD_NOT_RUN) from None
    except (click.Abort, KeyboardInterrupt):
        click.echo("ackproof: interrupted", err=True)
        raise SystemExit(COULD_NOT_RUN) from None
    except Exception:  # noqa: BLE001 - Python would exit with 1, which here means: invalid
        traceback.print_exc()
        click.echo("ackproof: this is a defect of ackproof itself; the run was not judged", err=True)
        raise SystemExit(COULD_NOT_RUN) from None
    raise SystemExit(0)
