"""Made-up git histories for tests of bisections."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

PROGRAM = '''"""Stands for Ackproof in a made-up history: answers every seed at once."""
import json, sys
BROKEN = {broken}
words = sys.argv[1:]
seed = int(words[words.index("--seed") + 1])
fails = BROKEN and seed % 2 == 1
evidence = [{{"title": "it was lost", "text": "", "operations": [1], "kind": "registration lost"}}]
verdict = {{"checker": "durability", "validity": "invalid" if fails else "valid", "summary": "s"}}
if fails:
    verdict["evidence"] = evidence
result = {{"validity": verdict["validity"], "required": ["durability"], "marks": {{}}, "verdicts": [verdict]}}
print(json.dumps(result))
sys.exit(int(fails))
'''


def git(repository: Path, *arguments: str) -> str:
    """What git prints; with a made-up author, and without the user's settings."""
    environment = {
        **os.environ,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
        **{
            f"GIT_{who}_{what}": "a@b.example"
            for who in ("AUTHOR", "COMMITTER")
            for what in ("NAME", "EMAIL")
        },
    }
    done = subprocess.run(
        ["git", "-C", str(repository), *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def new_repository(folder: Path) -> Path:
    """An empty repository."""
    folder.mkdir()
    git(folder, "init", "--quiet")
    return folder


def commit_all(repository: Path, subject: str) -> str:
    """Commit whatever is in the folder; give the commit."""
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", subject)
    return git(repository, "rev-parse", "HEAD")


def quick_history(folder: Path, first_bad: int, unusable: Sequence[int] = ()) -> list[str]:
    """Ten commits of a program that stands for Ackproof; from one on it fails, some cannot be imported."""
    repository = new_repository(folder)
    (repository / "harness").mkdir()
    (repository / "ackproof").mkdir()
    (repository / "ackproof" / "__init__.py").touch()
    commits = []
    for number in range(10):
        broken = f"({number}" if number in unusable else f'"""Commit {number}."""\n'
        (repository / "harness" / "__init__.py").write_text(broken)
        (repository / "ackproof" / "__main__.py").write_text(PROGRAM.format(broken=number >= first_bad))
        commits.append(commit_all(repository, f"Change {number}"))
    return commits
