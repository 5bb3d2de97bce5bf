"""Tests of `reports.moment`."""
