"""Faults of disks and files: power failures, full and failing disks, damaged or outdated files."""
