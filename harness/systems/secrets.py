"""Options of systems that are secret: their values are used, and written nowhere.

What a run or a campaign keeps of a secret option is where its value can be looked up, never the value:

- `env:VARIABLE` or `file:PATH`, if the user gave it so;
- for a value that was given literally under a name that says secret (`password`, `api-key`, ...), the
  variable `ACKPROOF_SECRET_NAME`, which is set for this process and those that it starts.

The value takes the place of this text where a system is made (`system_of`). From then on errors in which it
stands are written without it (`harness.concealing`). Who runs a stored test again sets the variable, or has
the file.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.concealing import conceal
from history.files import RefusedFile, read_regular

ENVIRONMENT, FILE = "env:", "file:"
VARIABLE = "ACKPROOF_SECRET_"
OPTION = "--system-option"
MOST_BYTES = 65_536
SECRET_WORDS = frozenset(
    (
        *("password", "passwd", "pwd", "passphrase", "token", "tokens", "secret", "secrets"),
        *("key", "apikey", "credential", "credentials", "auth"),
    )
)
_WORD = re.compile(r"[a-z]+|[A-Z]+(?![a-z])|[A-Z][a-z]*")


def is_secret(name: str) -> bool:
    """Whether an option's name says that its value is secret: `db-password`, `apiKey`."""
    return any(word.lower() in SECRET_WORDS for word in _WORD.findall(name))


def is_reference(text: str) -> bool:
    """Whether a value says only where it can be looked up."""
    return text.startswith((ENVIRONMENT, FILE))


def without_secrets(options: Mapping[str, str]) -> dict[str, str]:
    """Options as they may be written: a secret that is given literally becomes a reference."""
    return {
        name: _reference(name) if is_secret(name) and not is_reference(text) else text
        for name, text in options.items()
    }


def hidden(options: Mapping[str, str]) -> dict[str, str]:
    """Options as they may be written; literal secrets are put into this process's environment, where
    `revealed` finds them, here and in processes that are started from here."""
    kept = {}
    for name, text in options.items():
        kept[name] = text
        if is_secret(name) and not is_reference(text):
            variable = _free_variable(name, text)
            os.environ[variable] = text
            kept[name] = ENVIRONMENT + variable
            conceal(text, kept[name])
    return kept


def command_without_secrets(command: Sequence[str]) -> list[str]:
    """The words of a command, with references in the place of literal secrets of `--system-option`."""
    words = []
    for place, word in enumerate(command):
        option, equals, rest = word.partition("=")
        if place and command[place - 1] == OPTION:
            words.append(_pair_without_secret(word))
        elif option == OPTION and equals:
            words.append(f"{OPTION}={_pair_without_secret(rest)}")
        else:
            words.append(word)
    return words


def revealed(options: Mapping[str, str]) -> dict[str, str]:
    """Options with the values that references stand for.

    Raises:
        ValueError: a variable is not set, or a file cannot be read; it says what to do, and no value.
    """
    found = {name: _revealed(name, text) for name, text in options.items()}
    for name, value in found.items():
        if is_reference(options[name]) or is_secret(name):
            conceal(value, options[name] if is_reference(options[name]) else _reference(name))
    return found


def _revealed(name: str, text: str) -> str:
    if text.startswith(ENVIRONMENT):
        variable = text.removeprefix(ENVIRONMENT)
        if variable not in os.environ:
            raise ValueError(
                f"option {name} is read from the environment variable {variable}, which is not set; secrets "
                "are not kept, so set it and try again"
            )
        return os.environ[variable]
    if text.startswith(FILE):
        path = Path(text.removeprefix(FILE)).expanduser()
        try:
            return read_regular(path, most_bytes=MOST_BYTES).decode().rstrip("\r\n")
        except (OSError, RefusedFile, UnicodeDecodeError) as error:
            raise ValueError(f"option {name} is read from the file {path}, which cannot be read") from error
    return text


def _pair_without_secret(pair: str) -> str:
    name, equals, text = pair.partition("=")
    return f"{name}={without_secrets({name: text})[name]}" if equals else pair


def _reference(name: str) -> str:
    return ENVIRONMENT + _variable(name)


def _variable(name: str) -> str:
    return VARIABLE + re.sub(r"[^A-Za-z0-9]+", "_", name).upper()


def _free_variable(name: str, text: str) -> str:
    """The option's variable; with a number if that one holds another value, as of another cell."""
    variable, number = _variable(name), 2
    while os.environ.get(variable, text) != text:
        variable, number = f"{_variable(name)}_{number}", number + 1
    return variable
