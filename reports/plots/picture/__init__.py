"""The picture of a violation: clients, nodes, messages and faults on one time axis, on one screen.

`moments` chooses what of the traces matters, `scene` puts it together with operations and faults, `axis`
gives each instant its place, `drawing` draws; `logs` shows the nodes' logs next to one another.
"""
