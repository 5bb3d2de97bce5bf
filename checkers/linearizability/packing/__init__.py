"""States of many parts, packed into one number each, so that the compiled search needs no table of steps.

- `entries` says what each call of a history tests and puts, from the history's columns.
- `packed` gives the parts of a history bits for all that they name, and calls as effects on those bits.

What has no such form (too many values for the bits of a number, calls that were not read from columns) is
left to the tables that `engine` fills.
"""
