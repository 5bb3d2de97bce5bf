"""The kernels that make numbers of calls and states: bits, words, fingerprints, and steps read from texts."""
