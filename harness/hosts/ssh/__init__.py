"""Remote hosts over SSH: the connection, the agent's side of it, and what is shipped there."""
