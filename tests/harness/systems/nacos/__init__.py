"""Tests of Nacos as a system under test."""
