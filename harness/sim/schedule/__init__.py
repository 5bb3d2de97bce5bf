"""A run written out as a schedule: recorded, saved, replayed, shrunk and drawn."""
