"""What a person, a terminal and a CI server read after a run: HTML, text and JUnit, made from verdicts.

Here live pure functions from a recording, its verdicts and the facts about the run to text. They judge
nothing (a report shows the worst verdict that it was given), run nothing, and read neither clock nor network.
From this project they import `history` and the types of `checkers.verdict` alone.

Entry points: `reports.html.render`, `reports.ci`, `reports.terminal.show`,
`reports.about.ReportAbout`. `counts/` holds figures and tables, `glossary/` the words, `plots/` the charts,
`templates/` the page.
"""
