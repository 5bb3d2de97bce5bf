"""Tests of `reports.counts`."""
