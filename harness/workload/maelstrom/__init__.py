"""The workloads that Maelstrom has, and that the general ones do not cover."""
