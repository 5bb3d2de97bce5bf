"""Liveness: what works keeps working, and does only what it must.

`liveness.py` is the checker. It asks four judges: `quorum.py` of a quorum that alone is well, `quiet.py` of a
simulated cluster in which nothing happens, `calm.py` of real nodes while nothing is wrong, and
`stepping_down.py` of how leaderships end.
"""
