"""Disks that fail on demand, and damage to a stopped node's files."""
