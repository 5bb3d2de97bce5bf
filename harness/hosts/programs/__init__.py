"""Small programs that run next to a node's process: they slow it, limit it or sample its use of resources."""
