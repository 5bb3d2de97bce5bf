"""Codecs: pure functions that turn an operation into a request, and a reply into a completion."""
