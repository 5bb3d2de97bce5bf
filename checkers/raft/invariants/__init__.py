"""Raft's invariants (Ongaro & Ousterhout 2014, Figure 3, and the like), one subject a file."""
