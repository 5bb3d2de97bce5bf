"""Records the operations of a client program that another author wrote, in any language, against any system.

- `protocol` is what such a program sends, and what it is answered: docs/record.md in code.
- `journal` decides what is accepted, stamps it, and keeps it safe from a crash.
- `http` and `lines` are the two channels by which requests come.
- `folder` is where a recording lies on disk; `recorder` is the life of one recording.

Nothing here starts a system, and nothing here judges one: `ackproof record` does that when a recording ends.
"""
