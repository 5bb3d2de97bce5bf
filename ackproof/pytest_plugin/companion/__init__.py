"""What the plugin lets another process do: simulate, judge, and hold clusters (calling.py starts it).

This is the only folder of the plugin that imports Ackproof's other packages: here no module of the project
under test is found, so none can hide them.
"""
