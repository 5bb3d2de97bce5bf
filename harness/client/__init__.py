"""Clients: they carry out operations. Pure codecs make requests and read replies; http.py sends the requests.

data_types.py lists the data types and their operations. A system (harness/systems) says which codec speaks
to it. Nothing here decides which operation comes next, or judges a reply.
"""
