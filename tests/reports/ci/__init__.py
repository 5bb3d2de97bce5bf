"""Tests of `reports.ci`."""
