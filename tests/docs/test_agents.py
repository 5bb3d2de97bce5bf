"""docs/agents.md: it lists the tools that there are, and its bounds are those of the code."""

from __future__ import annotations

import inspect
import json
import re

from ackproof.mcp.bounded import MOST_CHARACTERS
from ackproof.mcp.tools import AgentTools
from tests import REPOSITORY

PAGE = (REPOSITORY / "docs" / "agents.md").read_text(encoding="utf-8")


def test_every_tool_is_on_the_page() -> None:
    tools = {
        name for name, _ in inspect.getmembers(AgentTools, inspect.iscoroutinefunction) if name[0] != "_"
    }
    assert set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)) == tools


def test_the_bound_and_the_configuration_are_right() -> None:
    assert f"{MOST_CHARACTERS:,} characters" in PAGE
    [configuration] = re.findall(r"^```json\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert json.loads(configuration)["mcpServers"]["ackproof"]["args"][0] == "mcp"
