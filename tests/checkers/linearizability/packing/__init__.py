"""Tests of `checkers.linearizability.packing`."""
