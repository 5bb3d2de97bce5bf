"""Configurations as entries' payloads, and what one change makes of one (thesis, chapter 4).

Voters change one at a time: then every majority of the old configuration shares a member with every
majority of the new one, so that no two leaders of a term can be elected by them.
"""

from __future__ import annotations

import msgspec

from node_impl.core.events import Configuration
from node_impl.core.requests import AddLearner, MembershipChange, Promote, Remove

_encode = msgspec.msgpack.Encoder(order="deterministic").encode
_decode = msgspec.msgpack.Decoder(Configuration).decode


def encode_configuration(configuration: Configuration) -> bytes:
    """The payload of its entry."""
    return _encode(configuration)


def decode_configuration(payload: bytes) -> Configuration:
    """The configuration behind an entry's payload.

    Raises:
        msgspec.DecodeError: it is none; a log whose checksums are right never holds such an entry.
    """
    return _decode(payload)


def changed(configuration: Configuration, change: MembershipChange) -> Configuration | str:
    """The configuration after a change, or why the change makes no sense."""
    voters, learners, node = configuration.voters, configuration.learners, change.node
    match change:
        case AddLearner():
            if node in configuration.members:
                return f"{node} is a member already"
            return Configuration(voters, tuple(sorted((*learners, node))))
        case Promote():
            if node not in learners:
                return f"{node} is no learner; add it as one, and let it catch up"
            return Configuration(tuple(sorted((*voters, node))), _without(learners, node))
        case Remove():
            if node not in configuration.members:
                return f"{node} is no member"
            if voters == (node,):
                return f"{node} is the only voter; a cluster without any could never change again"
            return Configuration(_without(voters, node), _without(learners, node))


def _without(names: tuple[str, ...], name: str) -> tuple[str, ...]:
    return tuple(other for other in names if other != name)
