"""What a reader sees of a report before scrolling, as a real Chromium shows it."""

from __future__ import annotations

from typing import Any, NamedTuple

from checkers.explanation import Explanation, StoryLine

VISIBLE = """() => {
  const shown = (element) => {
    const frame = (element.querySelector(".line") || element).getBoundingClientRect();
    const lowest = Math.min(frame.bottom + 1, innerHeight);
    const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT), words = [];
    while (walker.nextNode()) {
      for (const match of walker.currentNode.data.matchAll(/\\S+/g)) {
        const range = document.createRange();
        range.setStart(walker.currentNode, match.index);
        range.setEnd(walker.currentNode, match.index + match[0].length);
        const boxes = [...range.getClientRects()];
        if (boxes.length && boxes.every((box) => box.width && box.bottom <= lowest)) words.push(match[0]);
      }
    }
    return words.join(" ");
  };
  return [shown(document.querySelector(".why")), [...document.querySelectorAll(".story li")].map(shown)];
}"""
"""The headline and the lines of the story, of each the words that are wholly in sight."""


class FirstScreen(NamedTuple):
    """The words of the first screen."""

    headline: str
    lines: tuple[tuple[StoryLine, str], ...]
    """The lines of the story, each with what of it is in sight; those of which nothing is are left out."""


def first_screen(page: Any, explanation: Explanation) -> FirstScreen:
    """What an open page shows of an explanation before scrolling."""
    headline, lines = page.evaluate(VISIBLE)
    both = zip(explanation.story, lines, strict=True)
    return FirstScreen(headline, tuple((line, words) for line, words in both if words))


def in_words(explanation: Explanation, *, strictly: bool = False) -> FirstScreen:
    """The words of an explanation, all of them; strictly, those of the headline and the marked line alone."""
    lines = (line for line in explanation.story if line.is_wrong or not strictly)
    return FirstScreen(explanation.headline, tuple((line, line.text) for line in lines))
