"""The whole node without I/O: events in, ordered effects out. It knows no clock, socket or random numbers."""
