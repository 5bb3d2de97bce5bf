"""Every message is made of common English words and terms of the glossary, and has no banned word."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import click
import pytest

from ackproof.cli.main import cli
from checkers.judges import ISOLATION, JUDGES
from checkers.models import MODELS
from checkers.verdict import Validity, Verdict
from harness.nemesis.catalogue import NEMESES
from harness.systems import SYSTEMS
from harness.workload import WORKLOADS, workload
from reports.ci.junit import junit
from reports.ci.suite import cases_of_verdicts, suite_of
from reports.glossary.linking import meaning
from reports.glossary.terms import TERMS
from reports.html import render
from reports.terminal import plain
from tests.reports import synthetic
from tests.reports.page import Page
from tests.words.messages import MessageText, messages, messages_of_python, messages_of_template

HERE = Path(__file__).parent
ROOTS = ("ackproof", "harness", "reports", "checkers", "history", "node_impl")
BANNED = tuple(
    """
    told, said, whoever, whomever, nobody, befall, befalls, befell, befallen, anew, beside, so many, as of,
    as they say, hands, fate, fates, weather, ordeal, ordeals, season, seasons, coup, hush, wishes, prey
    """.replace("\n", " ")
    .strip()
    .split(", ")
)
"""Words of a private dialect, and old or ambiguous English; the style of messages has others for them."""
_BANNED = re.compile(rf"(?<![\w`-])(?:{'|'.join(BANNED)})(?![\w`-])", re.IGNORECASE)


@cache
def known_words() -> frozenset[str]:
    """Common English, the glossary, `names.txt`, and the names of faults, models, workloads and systems."""
    known = set(_listed("english_words.txt")) | set(_listed("names.txt"))
    known.update(NEMESES, MODELS, JUDGES, ISOLATION, WORKLOADS, SYSTEMS)
    for term in TERMS:
        for form in (term.name, *term.forms):
            known.add(form.lower())
            known.update(re.findall(r"[a-z]+", form.lower()))
    return frozenset(known)


def _listed(name: str) -> Iterable[str]:
    for line in (HERE / name).read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            yield from line.split()


def is_known(word: str) -> bool:
    """Whether a reader can be expected to know a word, or to know it for a name, as `commitIndex`."""
    if re.search(r"[a-z][A-Z]", word):
        return True
    bare = word.lower().removesuffix("'s").removesuffix("'")
    parts = bare.split("-")
    return bare in known_words() or all(part in known_words() or "'" in part for part in parts)


def unknown_words(found: Iterable[MessageText]) -> list[str]:
    """Each word that is neither English nor explained, with the message in which it stands."""
    return [
        f"{word!r} in {message.place}: {message.text[:120]!r}"
        for message in found
        for word in message.words()
        if not is_known(word)
    ]


def banned_words(found: Iterable[MessageText]) -> list[str]:
    """Each banned word, with the message in which it stands."""
    return [
        f"{word!r} in {message.place}: {message.text[:120]!r}"
        for message in found
        for word in _BANNED.findall(message.text)
    ]


def rendered() -> list[MessageText]:
    """Reports, terminal output and JUnit of a valid, an invalid and an unknown run."""
    run = synthetic.recording()
    found = []
    for validity, verdicts in (
        (Validity.VALID, synthetic.valid_verdicts()),
        (Validity.INVALID, synthetic.invalid_verdicts(run.history)),
        (Validity.UNKNOWN, synthetic.unknown_verdicts()),
    ):
        about = synthetic.about(validity)
        page = Page(render(run, verdicts, about))
        found += [
            MessageText(f"report.html, {validity}", " ".join(page.text)),
            MessageText(f"terminal, {validity}", plain(verdicts, about=about)),
            MessageText(f"JUnit, {validity}", re.sub(r"<[^>]*>", " ", junit_of(verdicts, validity))),
        ]
    return found


def junit_of(verdicts: list[Verdict], validity: Validity) -> str:
    """The JUnit file of these verdicts."""
    began_at = "2026-11-28T13:42:00Z"
    return junit(
        suite_of("run", cases_of_verdicts(verdicts), validity, "so", began_at=began_at, seconds=1)
    ).decode()


def help_texts() -> list[MessageText]:
    """What each command prints for `--help`."""

    def texts(command: click.Command, path: str) -> Iterator[MessageText]:
        context = click.Context(command, info_name=path)
        yield MessageText(f"{path} --help", command.get_help(context))
        if isinstance(command, click.Group):
            for name in command.list_commands(context):
                below = command.get_command(context, name)
                assert below is not None
                yield from texts(below, f"{path} {name}")

    return list(texts(cli, "ackproof"))


def test_each_word_of_a_message_is_common_english_or_a_term_of_the_glossary() -> None:
    assert unknown_words(messages(*ROOTS)) == []


def test_each_word_of_a_finished_report_is_common_english_or_a_term_of_the_glossary() -> None:
    assert unknown_words(rendered()) == []


def test_each_word_of_a_help_text_is_common_english_or_a_term_of_the_glossary() -> None:
    found = help_texts()
    assert {"ackproof --help", "ackproof run --help", "ackproof sim --help"} <= {text.place for text in found}
    assert unknown_words(found) == []


def test_no_message_uses_a_banned_word() -> None:
    assert banned_words(messages(*ROOTS)) == []
    assert banned_words(rendered()) == []
    assert banned_words(help_texts()) == []


@pytest.mark.parametrize(
    ("source", "unknown"),
    [
        ('raise E(f"the quorax of {node} is gone")', ["quorax"]),
        ('raise E("the node " "has a grumpf")', ["grumpf"]),
        ('"""the quorax of a docstring is for readers of the code"""', []),
        ('@main.command()\ndef run():\n    """Start the quorax now."""', ["quorax"]),
        ('x = "quorax"', []),
        ('x = "the option `quorax` of quorax.toml, see --quorax"', []),
        ('x = "commitIndex and the leader\'s vote-once rule"', []),
    ],
)
def test_a_planted_word_in_a_message_is_found(source: str, unknown: list[str]) -> None:
    found = unknown_words(messages_of_python(source, "planted"))
    assert [line.split("'")[1] for line in found] == unknown


def test_the_glossary_has_each_checker() -> None:
    suites = [workload(name, ("n1", "n2", "n3"), 4).checkers for name in WORKLOADS]
    names = {checker.name for checkers in suites for checker in checkers} | set(JUDGES)
    assert [name for name in sorted(names) if not meaning(name)] == []


def test_a_planted_word_in_a_template_is_found() -> None:
    source = '<p title="x">The quorax of {{ node }}</p>{{ chart(plot, "A nice grumpf of it") }}'
    found = unknown_words(messages_of_template(source, "planted"))
    assert sorted(line.split("'")[1] for line in found) == ["grumpf", "quorax"]


def test_a_planted_banned_word_is_found() -> None:
    [line] = banned_words(messages_of_python('x = f"{node} was told of it"', "planted"))
    assert line.startswith("'told' in planted:1")


def test_the_list_of_names_holds_nothing_that_is_known_anyway() -> None:
    english = set(_listed("english_words.txt"))
    assert sorted(name for name in _listed("names.txt") if name in english) == []
