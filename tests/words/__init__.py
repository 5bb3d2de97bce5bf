"""Holds every message to common English words and the terms of the glossary."""
