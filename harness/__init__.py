"""Ackproof's harness: drives one test against a cluster, and records what happened.

It knows no checker's inside and no report. Importing it is cheap: this file imports nothing.
"""
