"""A history in other forms: a table for people, and its parts by key, to be judged elsewhere."""
