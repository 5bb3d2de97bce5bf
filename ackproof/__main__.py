"""`python -m ackproof`: the same as the command `ackproof`."""

from ackproof.cli.entry import program

if __name__ == "__main__":
    program()
