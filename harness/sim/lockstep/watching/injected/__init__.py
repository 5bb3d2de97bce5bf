"""What is run inside a core in Python while it is watched."""
