"""`python -m ackproof`: the same as the command `ackproof`."""

from ackproof.cli.entry import main

if __name__ == "__main__":
    main()
