"""The words that reports and messages use: what each means, in which page it occurs, how it is linked.

`terms` is the one home of every definition; `docs/glossary.md` is made from it by
`python -m reports.glossary.page`. `linking` finds the terms of a page and links each to its entry.
"""
