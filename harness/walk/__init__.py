"""The walk: one small cluster, led through the moments of a leader election story, and written down.

The members start one by one; the leader is killed, and returns; a service registers through a follower; a
follower falls silent; a member is added and removed; fewer than a majority is left. `walking` does it to any
system, `record` is what it writes down, `traced` and `wire` find the steps of one registration in node
traces and in packets, and `tables` shows walks of several systems next to each other (docs/article.md).
"""
