"""Is the simulator right? The same small scenarios on simulated nodes and on real kernels, disks and clocks.

A scenario (`scenarios/`) is declared once: what is done, and what a node and its clients then see, fact by
fact. It is played by two adapters, `simulated.py` and `kernel.py`, which know nothing of any scenario. A fact
that differs between the worlds is declared with the reason; a test holds that nothing else differs, and
`page.py` writes the table of docs/parity.md from the same declarations.
"""
