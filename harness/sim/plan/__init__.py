"""What one seed draws: the test, the fault rates, and the faults that are scheduled for nodes."""
