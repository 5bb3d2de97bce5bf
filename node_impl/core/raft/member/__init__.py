"""What one member of the cluster holds, and what a step of it puts out.

`state.py` is the State box of Figure 2; it holds the log (`log.py`), the configurations in that log
(`configurations.py`) and the outbox (`outbox.py`). `tracing.py` says what a trace shows of a message.
The collaborators of the folder above decide when the state changes; here is how it changes.
"""
