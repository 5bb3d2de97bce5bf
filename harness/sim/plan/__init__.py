"""What a run goes through, drawn from its seed: fault rates, scheduled faults, profiles, and single
decisions."""
