"""What a change touches, so that a gate runs only that.

revision.py asks git for the files that differ, imports.py follows the imports of the source, and touched.py
says which cells and which known bugs a change can reach.
"""
