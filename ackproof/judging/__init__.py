"""Judges recorded histories and recordings: what `ackproof.check` and the commands that judge do.

`checking` asks for one verdict, `by_key` divides a huge history, `recorded` judges the folder of a recording,
`certifying` writes and rechecks proofs, `limits` holds time and memory to what was given.
"""
