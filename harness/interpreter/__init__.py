"""The interpreter: the pure step between a generator and the clients that carry out its operations."""
