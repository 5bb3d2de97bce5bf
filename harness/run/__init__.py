"""The life of one run: its test, its folder, the runner, progress and judging."""
