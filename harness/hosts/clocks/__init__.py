"""Clocks of one process's own, by libfaketime; the clock of the host is never touched."""
