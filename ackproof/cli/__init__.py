"""The `ackproof` command: what all commands share. Each command is one file below `commands/`.

`entry` starts, `main` lists the commands, `options` and `ending` are what several commands have in common,
`exits` holds the exit codes.
"""
