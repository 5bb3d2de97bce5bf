"""Schedules: a run with every choice written out; recorded, replayed, shrunk, and carried to real
processes."""
