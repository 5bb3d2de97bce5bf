"""Durability of the registry: acknowledged registrations are there at the end, removed ones are not."""
