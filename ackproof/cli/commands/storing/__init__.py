"""Commands about all runs of a store: listing, comparing and removing them, and pages over them."""
