"""A server of the Model Context Protocol: coding agents look into a store, and run tests if they may.

confined.py keeps every path inside the store, bounded.py keeps every answer small, commands.py has `ackproof`
itself do what takes long, in a process of its own, and tools.py says what is offered. server.py alone
imports the protocol's official SDK, the extra `mcp`.

What does not belong here: anything that an agent can do and a person cannot do by a command.
"""
