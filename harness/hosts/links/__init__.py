"""Links between nodes: proxies and packet filters that cut, delay, lose or damage what they carry."""
