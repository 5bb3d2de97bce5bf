"""Stops a run at its first violation: `watch` looks on, `first_violation` judges in a process of its own."""
