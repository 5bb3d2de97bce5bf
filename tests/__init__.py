"""The tests, in the same folders as what they test."""

from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
