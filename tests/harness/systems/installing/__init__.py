"""Claims about `ackproof systems install` and about finding programs."""
