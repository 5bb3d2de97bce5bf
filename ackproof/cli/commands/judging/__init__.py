"""Commands about recorded histories: recording one, judging it, and checking the proof of a verdict."""
