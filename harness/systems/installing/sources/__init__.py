"""Where releases come from: Debian packages, pip, Go, Maven. source.py says what each of them does."""
