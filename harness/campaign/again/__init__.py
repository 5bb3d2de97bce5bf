"""A finding again: is it still there, and what is the least that shows it?

target.py takes from the store what is to be looked for, trying.py has runs done until they decide, and
replaying.py says FIXED, STILL FAILS or CANNOT TELL. shrinking.py makes one small example of it.
"""
