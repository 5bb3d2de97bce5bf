"""What a person, a terminal and a CI server read after a run: HTML, text and JUnit from verdicts.

What may live here: pure functions from (recording, verdicts, about the run) to text. What may not:
judging (a report never decides validity, it shows the worst it was given), running anything, reading
clocks or the network. Of ours it imports `history` and the types of `checkers.verdict` alone.

Doors: `reports.html.render`, `reports.junit.junit`, `reports.terminal.show`, `reports.about.ReportAbout`.
"""
