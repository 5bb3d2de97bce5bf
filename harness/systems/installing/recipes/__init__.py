"""Recipes: one file a system, each a value. catalogue.py, one folder above, lists them."""
