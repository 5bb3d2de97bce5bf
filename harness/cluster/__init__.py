"""A running cluster of one system on hosts: its layout, its worlds, and what is done to its nodes."""
