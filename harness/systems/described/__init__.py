"""Systems that a TOML file describes, without any Python: `--system registry.toml`.

description.py has the keys of the file, texts.py fills in its texts, calls.py turns its HTTP calls into a
codec, finding.py finds values in answers, system.py makes the system of all that, loading.py reads the file
and says what is wrong with it.
docs/testing-your-system.md shows how such a file is written.
"""
