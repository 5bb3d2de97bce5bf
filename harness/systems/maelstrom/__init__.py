"""Nodes that speak Maelstrom's protocol: JSON messages on standard input and output, one a line.

carrier.py is the program of a node: it starts the user's program and carries its messages over the
cluster's links. It is started by its path and imports nothing of ours. calls.py is what clients ask;
services.py has the stores that Maelstrom offers to nodes, and service.py what these stores promise.
"""
