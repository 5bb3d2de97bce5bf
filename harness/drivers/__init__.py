"""Drivers: they turn the interpreter's steps, in real time (asyncio) or in virtual time.

What may live here: the two loops, and the sampler of the real loop's lag. What may not: deciding
what to do next (generators), judging what came back (clients, codecs), or writing files (the store).
"""
