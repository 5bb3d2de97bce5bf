"""What CI servers read: JUnit, CTRF, a summary in Markdown, and annotations of GitHub.

Each of them shows one `CiSuite` (suite.py). None of them is ever green where the verdict is not valid.
"""
