"""The commit that brought in a finding, searched for over a git history.

search.py is the search itself, pure; commits.py lists commits and checks one out into a worktree of its own;
running.py has runs done with a worktree's code; bisecting.py puts the three together.
"""
