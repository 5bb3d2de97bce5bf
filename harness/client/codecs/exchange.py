"""One client operation from its invocation to its completion, as a value: what to send, what came back.

An exchange sends one request, or several where the workload repeats writes (retries.py). It does no I/O: the
runner and the simulator carry its requests, each in its own time, and give every reply to `after`:

    exchange = Exchange.begin(codec, retries, invocation)
    while True:
        reply = ... carry exchange.request() to exchange.node
        following = exchange.after(reply)
        if isinstance(following, Operation):
            return following            # the completion
        exchange = following            # wait for exchange.pause_ns, then send again
"""

from __future__ import annotations

import msgspec

from harness.client.codecs.base import Codec, HttpReply, HttpRequest, NoReply
from harness.client.codecs.retries import Retries
from harness.client.data_types import SUBSCRIBE
from history import Operation
from history.units import MILLISECOND_NS


class Exchange(msgspec.Struct, frozen=True):
    """A client operation under way; `begin` makes one."""

    codec: Codec
    retries: Retries | None
    """How the workload repeats writes; None: each operation is one request."""
    invocation: Operation
    sending: Operation
    """The invocation as the next request sends it: from the second request on, to another node."""
    answers: tuple[Operation, ...] = ()
    """What each earlier request came to, as the codec decoded it."""

    @classmethod
    def begin(cls, codec: Codec, retries: Retries | None, invocation: Operation) -> Exchange:
        """Start an operation: nothing has been sent yet."""
        return cls(codec, retries, invocation, invocation)

    @property
    def node(self) -> str:
        """The node that the next request goes to."""
        return str(self.sending.node)

    @property
    def pause_ns(self) -> int:
        """How long to wait before the next request leaves: nothing before the first one."""
        return self.retries.pause_ns if self.retries is not None and self.answers else 0

    @property
    def kept_back_ns(self) -> int:
        """How long the node may keep its reply back by itself: the client waits for as much longer."""
        return self.invocation.value * MILLISECOND_NS if self.invocation.f == SUBSCRIBE else 0

    def request(self) -> HttpRequest:
        """The request that is to be sent next."""
        return self.codec.encode(self.sending)

    def after(self, reply: HttpReply | NoReply) -> Exchange | Operation:
        """What follows this reply to the last request: the same exchange with one more request to send, or
        the operation's completion."""
        answer = self.codec.decode(self.sending, reply)
        if self.retries is None:
            return answer
        answers = (*self.answers, answer)
        following = self.retries.follow(self.invocation, answers)
        if following.type != "invoke":
            return following
        return Exchange(self.codec, self.retries, self.invocation, following, answers)
