"""Evidence that a run collects where it is asked for: packets on the wire, core dumps of crashed nodes."""
