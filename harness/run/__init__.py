"""The life of one run: its test (test.py), its runner, its folder, and judging it."""
