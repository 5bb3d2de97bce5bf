"""What the engine is made of: calls and states as numbers, and the searches over these.

- `coding` and `numbering` make numbers of calls and states.
- `settled` finds operations of unknown outcome that certainly happened.
- `kind_search` searches operations whose kinds say what they do; `queue_search` searches queues.
- `results` is what a search of all parts of a history gives.
"""
