"""The `ackproof` command: each file holds one command or the commands of one subject."""
