"""Commands that test real processes: a run, and its judgement again."""
