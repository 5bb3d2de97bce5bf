"""The picture of a violation as the text of a Mermaid diagram: the same slice, and nothing but text in it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from history import History, NodeTrace, Operation, Recording, TraceEvent
from reports.html import render
from reports.plots.picture.chosen import mermaid_of
from reports.plots.picture.mermaid import LONGEST, Remark, escaped, mermaid
from reports.plots.picture.moments import Subject
from reports.plots.picture.scene import Scene
from reports.text import clean, seconds, shorten
from tests.reports import simulated
from tests.reports.plots.test_picture import scene, scene_of_class
from tests.reports.simulated import OF_CLASS

LABEL = r"(?:[^#;:%{}<>&\"`$\\~^\n]|#\d{1,7};)+"
"""A label: no character that Mermaid's lexer takes for more than text, but in the numbers that it knows."""
LANE = r"p\d+"
GRAMMAR = re.compile(
    r"sequenceDiagram\n"
    rf"    accTitle: {LABEL}\n"
    rf"(?:    participant {LANE} as {LABEL}\n)+"
    rf"(?:    (?:Note over {LANE}(?:,{LANE})?|{LANE}(?:->>|-->>|-x){LANE}): {LABEL}\n)*"
    rf"(?:    %% {LABEL}\n)*"
)
"""The part of Mermaid's grammar of sequence diagrams that is used."""
PACKAGES = os.environ.get("ACKPROOF_MERMAID")
"""A folder in which `npm install mermaid jsdom` was done."""
HOSTILE = (
    "a; b",
    "#59;",
    "end",
    "x: style y:#1;",
    "%%{init: {}}%%",
    "<script>alert(1)</script>",
    "n1->>n2: lost\nparticipant p9",
    "$$x$$ `y` & \u202e\x00",
    "alt a else b",
    "→ ✕ ü 漢",
)


def diagram_of(name: str) -> tuple[Scene, str]:
    """The scene of one class of violation, and its text."""
    _, found = scene_of_class(name)
    return found, mermaid(found)


def plain(label: str) -> str:
    """A label as a reader sees it."""
    return re.sub(r"#(\d+);", lambda found: chr(int(found[1])), label)


def shown(words: str) -> str:
    """Any words as a label has them."""
    return " ".join(clean(shorten(words, LONGEST)).split())


def hostile() -> Recording:
    """A run in which each name and value is made to be read as more than text."""
    operations = []
    for number, words in enumerate(HOSTILE):
        asked = Operation(2 * number, number, number, "invoke", words, words, words, node=words)
        error = words if number % 2 else None
        done = Operation(2 * number + 1, number + 1, number, "fail" if error else "ok", words, words, words)
        operations += [asked, msgspec.structs.replace(done, node=words, error=error)]
    traces = {
        node: NodeTrace(
            node=node,
            events=(
                TraceEvent(1, 0, "restart", 1, "follower", 0, 0, 0, node=node, life=1),
                TraceEvent(2, 5, "role", 1, "leader", 0, 0, 0, node=node, life=1),
                TraceEvent(3, 6, "vote", 1, "leader", 0, 0, 0, node=node, life=1, vote=HOSTILE[0]),
            ),
        )
        for node in HOSTILE[:5]
    }
    return Recording(
        nodes=HOSTILE[:5], history=History(operations), traces=traces, options={"monotonic_start_ns": 0}
    )


def hostile_scene() -> Scene:
    subject = Subject(
        title=HOSTILE[4],
        operations=tuple(range(0, 2 * len(HOSTILE), 2)),
        events=(),
        nodes=HOSTILE[:5],
        terms=(1,),
        indices=(),
        wrong=(),
    )
    found = scene(hostile(), subject)
    assert found is not None
    return found


@pytest.mark.parametrize("name", OF_CLASS)
def test_the_text_has_each_thing_that_the_picture_has_in_the_order_of_time(name: str) -> None:
    found, text = diagram_of(name)
    assert GRAMMAR.fullmatch(text)
    lines = plain(text).splitlines()
    for moment in found.moments:
        assert any(f"{seconds(moment.at)} " in line and shown(moment.words) in line for line in lines)
    assert sum("✕ must not happen" in line for line in lines) == sum(one.is_wrong for one in found.moments)
    for message in found.messages:
        arrow = "-x" if message.received_at is None else "->>"
        assert any(arrow in line and f" {message.name}, " in line for line in lines)
    for span in found.operations:
        assert any(f"{seconds(span.begin)} {span.index} {span.f}" in line for line in lines)
        assert span.end is None or any(
            f"{seconds(span.end)} {span.index} {span.outcome}" in line for line in lines
        )
    times = [float(at) for at in re.findall(r": (?:\(\d+\) )?(\d+\.\d{3}) s ", plain(text))]
    first = seconds(found.times[0]).removesuffix(" s")
    assert [max(at, float(first)) for at in times] == sorted(max(at, float(first)) for at in times)


def test_a_message_stands_before_what_followed_from_it_at_the_same_instant() -> None:
    _, text = diagram_of("stale read")
    lines = text.splitlines()
    won = next(place for place, line in enumerate(lines) if "leads term" in line)
    assert "RequestVoteReply" in lines[won - 1]


def test_nothing_of_a_recording_is_read_as_more_than_text() -> None:
    text = mermaid(hostile_scene(), [Remark(3, HOSTILE[6])])
    assert GRAMMAR.fullmatch(text)
    for words in HOSTILE:
        assert shown(words) in plain(text)


@given(st.text())
def test_any_text_is_one_label_that_shows_just_it(words: str) -> None:
    label = escaped(words)
    assert re.fullmatch(rf"(?:{LABEL})?", label)
    assert plain(label) == shown(words)


def test_a_valid_run_has_no_diagram() -> None:
    judged = simulated.judged("two leaders")
    assert mermaid_of(judged.recording, [], None) is None


def test_the_page_has_the_text_and_what_is_copied_from_it_is_the_diagram() -> None:
    from html import unescape

    judged = simulated.judged("stale read")
    page = render(judged.recording, judged.verdicts, judged.about)
    inside = re.search(r'<pre id="picture-text"[^>]*>(.*?)</pre>', page, re.DOTALL)
    assert inside is not None
    assert unescape(inside[1]) == mermaid_of(judged.recording, judged.verdicts, judged.about.explanation)


@pytest.mark.skipif(
    PACKAGES is None or shutil.which("node") is None,
    reason="Mermaid's own parser is a package of Node: ACKPROOF_MERMAID names no folder with it",
)
def test_mermaids_own_parser_reads_every_diagram() -> None:
    texts = {name: diagram_of(name)[1] for name in OF_CLASS}
    texts["hostile"] = mermaid(hostile_scene(), [Remark(3, words) for words in HOSTILE])
    assert PACKAGES is not None
    script = Path(__file__).with_name("mermaid.mjs")
    ran = subprocess.run(
        ["node", str(script), PACKAGES],
        input=json.dumps(list(texts.values())),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    for text, read in zip(texts.values(), json.loads(ran.stdout), strict=True):
        assert read["type"] == "sequence"
        # Mermaid keeps numbers of characters in a form of its own until it draws.
        kept = [re.sub("ﬂ°°(\\d+)¶ß", r"#\1;", label) for label in (*read["lanes"], *read["labels"])]
        lanes = re.findall(r"participant p\d+ as (.*)", text)
        labels = re.findall(r"^    (?!accTitle)[^:%]*: (.*)$", text, re.MULTILINE)
        assert kept == [*lanes, *labels]
