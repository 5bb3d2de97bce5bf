"""All runs of a store: which there are and how they ended, two of them compared, and old ones removed.

`entry` is what is known of one run, which `reading` takes from its folder; `index` keeps these values, so
that ten thousand runs are listed at once; `choice` says which of them are wanted. What is read here may
have been written by anybody.
"""
