"""The commands of `ackproof`: one file for each, named for it. `ackproof/cli/main.py` lists them."""
