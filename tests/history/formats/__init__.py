"""Readers of histories: what is read, what is recognized, and what is refused with its line."""
