"""Keys that a rule of their data type decides, where a search may take long or give up."""
