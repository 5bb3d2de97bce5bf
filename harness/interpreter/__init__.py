"""The interpreter: a pure step between a generator and those who carry out its operations."""
