"""Nacos's own clients, unchanged, against real nodes; what they were answered is judged by our checkers."""
