"""What a run's folder holds: its history as lines and Parquet, the nodes' traces, and the use of resources.

- `store` writes and reads histories, `resources` reads samples of processor, memory and files.
- `trace` reads whole traces and finds what is missing; `trace_tail` follows a trace that still grows.
"""
