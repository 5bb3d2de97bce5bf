"""Commands of the simulated world: runs, what runs again, every order of a small scope, seeded bugs."""
