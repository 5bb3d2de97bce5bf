"""Codecs: an operation becomes a request and a reply becomes a completion, both purely."""
