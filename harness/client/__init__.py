"""Clients: one pure codec per kind of system, and the transport that carries their requests.

What may live here: translating operations to requests and replies to completions. What may not:
deciding what to do next, judging what came back.
"""
