"""Names what of the real machine a core touched: clock, random numbers, files, sockets, threads, processes.

`watch` collects it over the processes of a run. `processes` looks at a core's process from outside, by what
Linux says of it; `injected` is run inside a core in Python, where it sees each call. Nothing is prevented.
"""
