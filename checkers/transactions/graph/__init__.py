"""The graph of which transaction depends on which: how it is built, and how its cycles are found.

`dependencies` is the graph as arrays, `scan` and `follow` build it by compiled code, `components` and
`cycles` find the strongly connected components and in each the shortest cycle.
"""
