"""What a command shows and writes: progress, the result for people or as JSON, files for CI, exit codes.

`ending` is how each command ends. Nothing here knows a command; `streams`, `printing` and `exits` are loaded
before it is known that no other package hides ours, so they import nothing of ours.
"""
