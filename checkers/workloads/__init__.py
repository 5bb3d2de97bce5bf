"""Checkers of one data type each, from the replies of clients alone: a bank, a queue, a lock, and others."""
