"""A campaign's time: what is too short, the share of each real run, and what would suffice."""
