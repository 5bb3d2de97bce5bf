"""Drivers: the loops that carry out the interpreter's steps, in real time (asyncio) or in virtual time.

lag.py measures how late the real loop wakes. Nothing here decides which operation comes next (generators),
reads replies (codecs), or writes files.
"""
