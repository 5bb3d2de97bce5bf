"""Lines of a story that one kind of question needs: what became of an entry, of an instance that beats, of a
write that had no effect, and who kept the cluster from going on.

Each module gives lines, or facts for a sentence; `story` ranks and chooses.
"""
