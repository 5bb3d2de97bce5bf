"""Many seeds: campaigns over them, and how soon each seeded bug is caught."""
