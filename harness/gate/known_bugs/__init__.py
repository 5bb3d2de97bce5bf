"""The known bugs, each with how often one run of a certain kind shows it.

seeded.toml lists the seeded bugs of the reference node, as seeded.py reads it and measuring.py writes it.
released.toml lists what was found in released systems, with the cells that show it.
odds.py has the arithmetic, and likeness.py says which of them a violation looks like.
"""
