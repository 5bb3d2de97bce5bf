"""The Raft core, sans-I/O: what Figure 2 of the paper says, with its messages and its log.

Followed throughout: *the paper* is Ongaro & Ousterhout, "In Search of an Understandable Consensus
Algorithm (Extended Version)", 2014; *the thesis* is Ongaro, "Consensus: Bridging Theory and
Practice", 2014. Lives here: rules, state and messages. Must not: clocks, sockets, files, sources
of randomness, and anything that knows what a command means. This file imports nothing.
"""
