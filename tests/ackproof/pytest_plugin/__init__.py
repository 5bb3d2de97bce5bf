"""Tests of the pytest plugin: each runs pytest in another process, on a project of its own."""
