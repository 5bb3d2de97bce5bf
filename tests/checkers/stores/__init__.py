"""Broken stores: they do the wrong thing to their data, record what clients see, and know no checker."""
