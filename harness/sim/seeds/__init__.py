"""Many seeds: campaigns that judge them all, and hunts for seeded bugs."""
