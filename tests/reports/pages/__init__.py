"""Tests of whole pages: as text, and in a real Chromium."""
