"""The node's drivers: the event loop, sockets, the disk and the command line around the pure core."""
