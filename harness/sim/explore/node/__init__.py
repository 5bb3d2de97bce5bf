"""One node of an exploration: the unchanged core with its disk, what can happen to it, when two are the same.

| file | what |
|---|---|
| `steps.py` | what can happen to a node, and what the network holds |
| `member.py` | the core, its disk, and what waits for the disk; the things that can happen to it |
| `disk.py` | what is on a disk, and what is left there after a crash |
| `copying.py`, `shape.py` | copying a node, and finding out whether two nodes are the same |
"""
