"""Reads large EDN files and logs without an object for each event: bytes become columns in one compiled pass.

`kernel` reads what nearly all events consist of; `columns` lets the plain reader read the rest, event by
event, and makes `Events` of both. The plain readers (`events`, `jepsen_log`) give the same for every file;
they are used for small files, where numba is missing, and for files that break a rule, since they name the
line.
"""
