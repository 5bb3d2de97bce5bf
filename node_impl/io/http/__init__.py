"""The node's HTTP server: connections, the listener, and metrics."""
