"""Why a run failed: the moments at which its violation became likely, and the nearest run without it.

A run in virtual time is a row of choices: when each message arrives, how long each write takes, which fault
comes. `tape.py` writes them down and lets a run begin as the recorded one and go on by fresh chance;
`curve.py` measures how often the violation still follows; `twin.py` looks for the run that differs last.
"""

CAUSE_SUFFIX = ".cause.svg"
"""How the name of the picture ends that lies next to the file of a schedule."""
CAUSE_TEXT_SUFFIX = ".cause.mmd"
"""How the name of the text ends that has what led to the violation as a diagram of Mermaid."""
