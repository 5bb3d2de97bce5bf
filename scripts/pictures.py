"""Draws the pictures of docs/pictures/: boxes and arrows, as SVG that needs no other file.

python scripts/pictures.py            writes them
python scripts/pictures.py --check    only compares: exits 1 if one is not what would be written
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import pairwise
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "pictures"
WIDTH = 980
INK = "#3a424c"
"""Of arrows."""
FILLS = {  # one colour a part of the repository, the same in all pictures
    "front": ("#efe6fb", "#7a4fc0"),
    "harness": ("#e3effc", "#2f6fb7"),
    "reports": ("#fdeedb", "#c47a17"),
    "checkers": ("#e2f4e6", "#2e8b4a"),
    "history": ("#eceef1", "#67707c"),
    "node": ("#fbe4e4", "#b8413f"),
    "plain": ("#ffffff", "#9aa3ad"),
}


@dataclass(frozen=True)
class Box:
    """A box that was drawn, for arrows that begin or end at it."""

    x: float
    y: float
    width: float
    height: float

    @property
    def left(self) -> tuple[float, float]:
        """The middle of the left edge."""
        return self.x, self.y + self.height / 2

    @property
    def right(self) -> tuple[float, float]:
        """The middle of the right edge."""
        return self.x + self.width, self.y + self.height / 2

    @property
    def top(self) -> tuple[float, float]:
        """The middle of the upper edge."""
        return self.x + self.width / 2, self.y

    @property
    def bottom(self) -> tuple[float, float]:
        """The middle of the lower edge."""
        return self.x + self.width / 2, self.y + self.height


@dataclass
class Picture:
    """An SVG that grows by boxes, arrows and texts."""

    height: int
    about: str
    """What the picture shows, for readers who cannot see it."""
    parts: list[str] = field(default_factory=list)

    def text(
        self,
        x: float,
        y: float,
        words: str,
        *,
        size: int = 12,
        weight: str = "normal",
        anchor: str = "middle",
    ) -> None:
        """One line of text."""
        self.parts.append(
            f'<text x="{x:g}" y="{y:g}" font-size="{size}" font-weight="{weight}" text-anchor="{anchor}">'
            f"{escape(words)}</text>"
        )

    def box(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        title: str,
        lines: Sequence[str] = (),
        *,
        kind: str = "plain",
        at_top: bool = False,
    ) -> Box:
        """A box with a bold title and lines below it, in the middle or `at_top`."""
        fill, stroke = FILLS[kind]
        self.parts.append(
            f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="6" fill="{fill}" '
            f'stroke="{stroke}" stroke-width="1.5"/>'
        )
        below = len(lines) if title else len(lines) - 1
        first = y + 20 if at_top else y + height / 2 + 5 - 8 * below
        if title:
            self.text(x + width / 2, first, title, size=14, weight="bold")
        for number, line in enumerate(lines, 1 if title else 0):
            self.text(x + width / 2, first + 17 * number, line)
        return Box(x, y, width, height)

    def arrow(
        self, *points: tuple[float, float], label: str = "", dashed: bool = False, side: str = "above"
    ) -> None:
        """An arrow along these points; its label stands at the middle of its first stretch."""
        path = " L ".join(f"{x:g} {y:g}" for x, y in points)
        dash = ' stroke-dasharray="5 4"' if dashed else ""
        self.parts.append(
            f'<path d="M {path}" fill="none" stroke="{INK}" stroke-width="1.6"{dash} '
            'marker-end="url(#head)"/>'
        )
        if label:
            (x1, y1), (x2, y2) = points[0], points[1]
            if side == "right":
                self.text(max(x1, x2) + 7, (y1 + y2) / 2 + 4, label, size=11, anchor="start")
            elif side == "left":
                self.text(min(x1, x2) - 7, (y1 + y2) / 2 + 4, label, size=11, anchor="end")
            else:
                self.text((x1 + x2) / 2, min(y1, y2) - 6, label, size=11)

    def svg(self) -> str:
        """The whole file."""
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {self.height}" '
                f'width="{WIDTH}" height="{self.height}" font-family="Helvetica, Arial, sans-serif" '
                'fill="#1c2127" role="img">',
                f"<title>{escape(self.about)}</title>",
                '<defs><marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" '
                'markerHeight="8" orient="auto-start-reverse">'
                f'<path d="M 0 0 L 10 5 L 0 10 z" fill="{INK}"/></marker></defs>',
                f'<rect width="{WIDTH}" height="{self.height}" fill="#ffffff"/>',
                *self.parts,
                "</svg>\n",
            ]
        )


def overview() -> Picture:
    """One test, three worlds, one way to a verdict."""
    picture = Picture(330, "One test runs in three worlds; its recording is judged and reported")
    test = picture.box(
        20,
        60,
        170,
        190,
        "a test",
        ["system", "workload", "generator", "faults", "checkers", "a seed"],
        kind="harness",
    )
    worlds = [
        ("sim", ["virtual time, one process", "thousands of seeds, replay"]),
        ("local, netns", ["processes on this machine", "a laptop, CI"]),
        ("ssh", ["processes on remote hosts", "real clusters"]),
    ]
    recording = picture.box(
        520,
        85,
        150,
        140,
        "a recording",
        ["history of operations", "trace of each node", "logs, use of resources"],
        kind="history",
    )
    for number, (title, lines) in enumerate(worlds):
        world = picture.box(260, 20 + 98 * number, 190, 78, title, lines, kind="harness")
        picture.arrow(test.right, world.left)
        picture.arrow(world.right, (recording.x, 115 + 40 * number))
    checkers = picture.box(
        720, 85, 110, 140, "checkers", ["valid", "invalid", "unknown", "with evidence"], kind="checkers"
    )
    reports = picture.box(
        875, 85, 90, 140, "reports", ["HTML page", "terminal", "JUnit", "exit code"], kind="reports"
    )
    picture.arrow(recording.right, checkers.left)
    picture.arrow(checkers.right, reports.left)
    picture.text(355, 318, "The same test, unchanged; a fault means the same in each world that can have it.")
    return picture


HARNESS = (  # from the top to the bottom of the layers in pyproject.toml
    (("sim", "the simulated world"),),
    (("run", "the life of one run"),),
    (("cluster", "a running cluster of one system"),),
    (("systems", "what can be tested"),),
    (("hosts", "machines"), ("mutants", "seeded bugs")),
    (("workload", "what clients do"),),
    (("nemesis", "the faults"),),
    (("drivers", "real time, virtual time"),),
    (("client", "how operations are carried out"),),
    (("interpreter", "a pure step: who does what"),),
    (("generator", "which operation comes when"),),
)


def rooms() -> Picture:
    """The folders at the top level, and what may import what."""
    picture = Picture(570, "The folders of the repository; imports point downwards")
    width = 620
    front = picture.box(
        20, 15, width, 60, "ackproof/", ["the front door: command line, import ackproof"], kind="front"
    )
    harness = picture.box(20, 105, width, 230, "harness/", kind="harness", at_top=True)
    for number, parts in enumerate(HARNESS):
        column, row = divmod(number, 6)
        each = (290 - 10 * (len(parts) - 1)) / len(parts)
        for offset, (name, about) in enumerate(parts):
            x = 32 + 306 * column + offset * (each + 10)
            picture.box(x, 137 + 32 * row, each, 26, "", [f"{name}: {about}"])
    reports = picture.box(
        20, 365, width, 50, "reports/", ["pages, pictures, JUnit, text for terminals"], kind="reports"
    )
    checkers = picture.box(
        20, 440, width, 50, "checkers/", ["pure functions: a recording in, a verdict out"], kind="checkers"
    )
    history = picture.box(
        20, 515, width, 45, "history/", ["operations, histories, node traces, formats"], kind="history"
    )
    for above, below in ((front, harness), (harness, reports), (reports, checkers), (checkers, history)):
        picture.arrow(above.bottom, below.top)
    node = picture.box(745, 105, 215, 230, "node_impl/", kind="node", at_top=True)
    picture.box(
        760,
        137,
        185,
        108,
        "core/",
        ["raft, registry, serving,", "api, storage: no I/O,", "events in, effects out"],
    )
    picture.box(760, 255, 185, 68, "io/", ["server, driver, transport,", "trace, disk"])
    picture.arrow((640, 185), (760, 185), label="import")
    picture.text(692, 202, "only sim", size=11)
    picture.text(692, 216, "and mutants", size=11)
    picture.arrow((640, 290), (node.x, 290), label="starts", dashed=True)
    picture.text(692, 306, "as a process", size=11)
    system = picture.box(745, 365, 215, 50, "your system", ["described by one file"])
    picture.arrow((692, 315), (692, system.left[1]), system.left, dashed=True)
    for line, words in enumerate(
        (
            "A part may import the parts below it,",
            "never one above it. Inside harness/",
            "the order is: the left column from top",
            "to bottom, then the right column.",
        )
    ):
        picture.text(745, 460 + 18 * line, words, anchor="start")
    return picture


def operation() -> Picture:
    """One operation, from the generator to the report."""
    picture = Picture(470, "The path of one operation, in thirteen steps")
    steps = [
        ("1 generator", ["which operation", "comes next, and when"], "harness"),
        ("2 interpreter", ["gives it to a", "free client"], "harness"),
        ("3 history", ["the invocation is in", "the file first"], "history"),
        ("4 client", ["makes the request,", "sends it"], "harness"),
        ("5 io, core/api", ["HTTP becomes", "a Request"], "node"),
        ("6 core/serving", ["notes who waits,", "forwards to the leader"], "node"),
        ("7 core/raft", ["a log entry,", "sent to followers"], "node"),
        ("8 core/storage", ["written, fsynced,", "then `synced`"], "node"),
        ("9 core/registry", ["committed by a majority,", "applied on every node"], "node"),
        ("10 reply", ["with the Raft index", "of the entry"], "node"),
        ("11 history", ["ok, fail or info: the", "completion"], "history"),
        ("12 checkers", ["is there an order that", "explains all replies?"], "checkers"),
        ("13 reports", ["one page, an exit code,", "JUnit"], "reports"),
    ]
    rows = [steps[0:4], steps[4:9], steps[9:13]]
    boxes: list[Box] = []
    for row, members in enumerate(rows):
        gap = (WIDTH - 40 - 165 * len(members)) / (len(members) - 1)
        y = 45 + 150 * row
        for column, (title, lines, kind) in enumerate(members):
            boxes.append(picture.box(20 + column * (165 + gap), y, 165, 78, title, lines, kind=kind))
    for before, after in pairwise(boxes):
        if before.y == after.y:
            picture.arrow(before.right, after.left)
        else:
            middle = (before.y + before.height + after.y) / 2
            picture.arrow(
                before.bottom, (before.bottom[0], middle), (after.top[0], middle), (after.top[0], after.y)
            )
    picture.text(20, 30, "the harness", size=13, weight="bold", anchor="start")
    picture.text(115, 187, "the node", size=13, weight="bold", anchor="start")
    picture.text(115, 337, "the reply, and what follows from it", size=13, weight="bold", anchor="start")
    picture.text(
        490, 445, "The driver between 2 and 4 is asyncio's in real time, or the virtual one in the simulator."
    )
    return picture


def message() -> Picture:
    """One AppendEntries, from the leader to a follower and back."""
    picture = Picture(560, "The path of one AppendEntries from the leader to a follower, and of its reply")
    left, right, width = 30, 590, 360
    picture.box(15, 12, 390, 535, "leader", kind="node", at_top=True)
    picture.box(575, 12, 390, 535, "follower", kind="node", at_top=True)

    def step(x: float, y: float, title: str, *lines: str) -> Box:
        return picture.box(x, y, width, 40 + 17 * (len(lines) - 1), title, lines)

    one = step(left, 50, "1 core/raft: replication", "entries after what the follower is known to have")
    two = step(left, 120, "2 effect Send", "traced as `send`; leaves the core in order")
    three = step(left, 190, "3 io/transport", "a frame with checksums, to this follower")
    picture.arrow(one.bottom, two.top)
    picture.arrow(two.bottom, three.top)
    four = step(right, 190, "4 io/transport", "checks the frame; event Received")
    five = step(
        right, 260, "5 core/raft", "the leader's term, the previous entry, conflicts:", "append or refuse"
    )
    six = step(right, 347, "6 effect Persist", "records for the log, before the reply")
    seven = step(right, 417, "7 core/storage", "written and fsynced; event Synced, traced as `synced`")
    eight = step(right, 487, "8 effect Send", "the reply leaves only after its Synced")
    picture.arrow(three.right, four.left, label="network")
    for before, after in ((four, five), (five, six), (six, seven), (seven, eight)):
        picture.arrow(before.bottom, after.top)
    nine = step(left, 487, "9 core/raft", "what this follower has now; does a majority have it?")
    picture.arrow(eight.left, nine.right, label="network")
    ten = step(left, 417, "10 commit", "traced as `commit`; the next message tells followers")
    eleven = step(left, 330, "11 core/registry", "applied; traced as `apply`", "with the operation's id")
    twelve = step(left, 260, "12 core/serving", "the waiting request gets its reply (`acknowledge`)")
    for before, after in ((nine, ten), (ten, eleven), (eleven, twelve)):
        picture.arrow(before.top, after.bottom)
    picture.text(490, 335, "In the simulator 3 and 4", size=11)
    picture.text(490, 350, "are its network, and", size=11)
    picture.text(490, 365, "nothing else changes.", size=11)
    return picture


def violation() -> Picture:
    """One violation, from what was recorded to the exit code."""
    picture = Picture(330, "The path of one violation, from evidence to report and exit code")
    recording = picture.box(
        20,
        95,
        165,
        110,
        "recording",
        ["history: index, process", "trace: node, life, seq", "logs, faults, options"],
        kind="history",
    )
    checker = picture.box(
        245,
        95,
        165,
        110,
        "one checker",
        ["finds what no", "correct system does;", "makes it small"],
        kind="checkers",
    )
    evidence = picture.box(
        470,
        20,
        200,
        110,
        "evidence",
        ["a headline: who, what, when", "operations, trace events,", "terms, indices; a picture"],
        kind="checkers",
    )
    verdict = picture.box(
        470,
        170,
        200,
        110,
        "verdict",
        ["valid, invalid or unknown,", "one sentence, figures,", "what was not checked"],
        kind="checkers",
    )
    worst = picture.box(
        705, 170, 112, 110, "the worst", ["invalid before", "unknown before", "valid"], kind="harness"
    )
    outputs = [
        ("report.html", "results.json", "reports"),
        ("terminal", "JUnit", "reports"),
        ("exit code", "0, 1 or 2", "front"),
    ]
    picture.arrow(recording.right, checker.left)
    picture.arrow(checker.right, (440, 150), (440, 75), evidence.left)
    picture.arrow(checker.right, (440, 150), (440, 225), verdict.left)
    picture.arrow(evidence.bottom, verdict.top, label="part of", side="right")
    picture.arrow(verdict.right, worst.left)
    for number, (title, line, kind) in enumerate(outputs):
        output = picture.box(850, 95 + 75 * number, 115, 58, title, [line], kind=kind)
        picture.arrow(worst.right, (832, 225), (832, output.left[1]), output.left)
    picture.text(
        490,
        315,
        "In the simulator one step more: --shrink makes the whole run small, and replay shows it again.",
    )
    return picture


PICTURES: dict[str, Callable[[], Picture]] = {
    "overview": overview,
    "rooms": rooms,
    "operation": operation,
    "message": message,
    "violation": violation,
}


def main() -> int:
    """Write the pictures or compare them."""
    stale = []
    for name, draw in PICTURES.items():
        file, drawn = FOLDER / f"{name}.svg", draw().svg()
        if not file.exists() or file.read_text(encoding="utf-8") != drawn:
            stale.append(file.name)
            if sys.argv[1:] != ["--check"]:
                FOLDER.mkdir(exist_ok=True)
                file.write_text(drawn, encoding="utf-8")
    if stale and sys.argv[1:] == ["--check"]:
        sys.stderr.write(
            f"docs/pictures is not what scripts/pictures.py draws ({', '.join(stale)}): run scripts/docs\n"
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
