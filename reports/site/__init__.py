"""The pages over all runs of a store: plain values in (`model`), HTML out (`pages`).

The same pages are served by `ackproof serve` and written by `ackproof site`: each is one file in one folder,
and links to the others by its name. They fetch nothing from elsewhere.
"""
