"""What several nodes show of the same data: states, watches, answers that lag behind."""
