"""What a report counts: the figures at its top, times without an ok reply, and its tables of operations."""
