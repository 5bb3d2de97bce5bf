"""What a run looked like at one moment: which links were cut, and what the nodes wrote.

`partitions` follows the cut links through the run, `graph` draws each state of them, and `lines` chooses
which lines of logs and traces a page holds.
"""
