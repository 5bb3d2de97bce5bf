"""Checkers that know what a service registry is; every other part of `checkers` is generic."""
