"""What one client may expect of its own operations in turn, and of what it saw others do."""
