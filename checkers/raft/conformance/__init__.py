"""Conformance: each step of each node, as it traced it, is an action of Raft's TLA+ specification.

What lives here: `spec` (the specification's next-state relation), `extensions` (what real nodes do beyond
it, each with its argument), `disk` (what of a node's state is durable), `refinement` (one node's events to
actions), `order` (all nodes' steps in one order) and `checker` (the verdict). What may not: any knowledge
of how a node is built; docs/trace-format.md is all there is. docs/conformance.md has the map as a table.

The method is trace validation, as in etcd's Raft and of CCF (Howard et al., Smart Casual Verification of
the Confidential Consortium Framework, NSDI 2025); there a model checker searches for a behaviour that
matches, here the traces tell enough for one to be constructed.
"""

from __future__ import annotations

from checkers.raft.conformance.conformance import Conformance

__all__ = ["Conformance"]
