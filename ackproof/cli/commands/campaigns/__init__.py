"""Commands over many runs: campaigns, and the findings that they made."""
