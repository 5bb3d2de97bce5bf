"""What clients ask of the node, and what they are answered: the values that the HTTP codec speaks in.

A write (`Write`) travels in the log as it is, so whatever an apply depends on stands in it: no clock of
any node, no default that two versions could fill in differently.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Consistency = Literal["linearizable", "stale"]

# ---- the registry's values ----------------------------------------------------------------------------
# gc=False: these values stand in no reference cycle, and there are enough of them that tracking would cost.


class InstanceKey(msgspec.Struct, frozen=True, order=True, gc=False, cache_hash=True):
    """The key under which an instance is registered."""

    service: str
    ip: str
    port: int
    namespace: str = "public"
    group: str = "DEFAULT_GROUP"
    cluster: str = "DEFAULT"


class ServiceKey(msgspec.Struct, frozen=True, order=True, gc=False, cache_hash=True):
    """The key under which a service is known."""

    namespace: str
    group: str
    service: str


class ConfigKey(msgspec.Struct, frozen=True, order=True):
    """What identifies a configuration; `tenant` is its namespace, empty unless given."""

    tenant: str
    group: str
    data_id: str


class BeatTimes(msgspec.Struct, frozen=True, array_like=True):
    """How an ephemeral instance lives, in milliseconds since its last beat; each above 0."""

    interval_ms: int = 5_000
    """The interval at which its client is asked to beat."""
    timeout_ms: int = 15_000
    """The silence after which it is unhealthy."""
    delete_ms: int = 30_000
    """The silence after which it is removed."""


class Instance(msgspec.Struct, frozen=True, tag=True, gc=False):
    """A registered instance as replies show it."""

    key: InstanceKey
    weight: float
    enabled: bool
    metadata: dict[str, str]
    beats: BeatTimes | None = None
    """None: persistent; it stays until it is deregistered, and always counts as healthy."""
    healthy: bool = True
    index: int = 0
    """The Raft index of its registration, which tells it from earlier and later ones under its key."""

    @property
    def is_ephemeral(self) -> bool:
        """Whether it must beat to live."""
        return self.beats is not None


class Service(msgspec.Struct, frozen=True, tag=True):
    """A service's own attributes. One that only registrations made has the defaults."""

    key: ServiceKey
    protect_threshold: float = 0.0
    """Where the healthy part of its instances is not above this, lists show all, and as healthy."""
    metadata: dict[str, str] = {}


class Config(msgspec.Struct, frozen=True, tag=True):
    """A published configuration, as a read returns it."""

    key: ConfigKey
    content: str
    content_type: str
    md5: str
    """32 hex digits over the content's UTF-8."""
    index: int
    """The Raft index at which it was published."""


# ---- writes ---------------------------------------------------------------------------------------------


class Register(msgspec.Struct, frozen=True, tag=True):
    """Put an instance, replacing what its key held."""

    key: InstanceKey
    weight: float = 1.0
    enabled: bool = True
    metadata: dict[str, str] = {}
    beats: BeatTimes | None = None
    """The beat times of an ephemeral instance; None: the instance is persistent."""


class Update(msgspec.Struct, frozen=True, tag=True):
    """Change an instance that exists; refused (`not-found`, at an index) if not. None: leave as it is."""

    key: InstanceKey
    weight: float | None = None
    enabled: bool | None = None
    metadata: dict[str, str] | None = None
    merge: bool = False
    """Whether `metadata` is laid over what is there, rather than put in its place."""
    ephemeral: bool | None = None
    """Refused as `conflict` if the instance is not of this kind. None: whichever."""


class Deregister(msgspec.Struct, frozen=True, tag=True):
    """Remove an instance by key; ok also if there was none. The reply says what was removed."""

    key: InstanceKey
    ephemeral: bool | None = None
    """Refused as `conflict` if the instance is not of this kind. None: whichever."""
    registered: int | None = None
    """Only the registration made at this index is meant: a connection that closed takes with it what it
    registered, and nothing that was registered since. None: whichever."""


class Expire(msgspec.Struct, frozen=True, tag=True):
    """The leader's decision on an ephemeral instance that beats or is silent; no client can ask for it.

    It means the registration made at `registered`: it changes nothing if the key holds another one by now.
    """

    key: InstanceKey
    registered: int
    to: Literal["healthy", "unhealthy", "removed"]


class PutService(msgspec.Struct, frozen=True, tag=True):
    """Create a service (`conflict` if it exists), or change one (`not-found` if it does not).

    None: as it is, or the default where it is created.
    """

    key: ServiceKey
    must_exist: bool
    protect_threshold: float | None = None
    metadata: dict[str, str] | None = None


class DeleteService(msgspec.Struct, frozen=True, tag=True):
    """Remove a service; `not-found` if there is none, `conflict` while it has instances."""

    key: ServiceKey


class PublishConfig(msgspec.Struct, frozen=True, tag=True):
    """Set the content of a configuration."""

    key: ConfigKey
    content: str
    content_type: str = "text"
    expected_md5: str | None = None
    """Refused as `conflict` unless this is the md5 of what is there. None: whatever is."""


class RemoveConfig(msgspec.Struct, frozen=True, tag=True):
    """Remove a configuration; ok also if there was none."""

    key: ConfigKey


# ---- reads ----------------------------------------------------------------------------------------------


class Lookup(msgspec.Struct, frozen=True, tag=True):
    """Read one instance by its key."""

    key: InstanceKey
    consistency: Consistency = "linearizable"


class ListInstances(msgspec.Struct, frozen=True, tag=True):
    """Read all instances of a service; as a long poll, once it changed after `after`."""

    service: str
    namespace: str = "public"
    group: str = "DEFAULT_GROUP"
    clusters: tuple[str, ...] = ()
    """The clusters whose instances are listed; empty: all."""
    consistency: Consistency = "linearizable"
    healthy_only: bool = False
    after: int = 0
    wait_ms: int = 0
    """How long the answer may be kept back while nothing changed after `after`."""


class GetService(msgspec.Struct, frozen=True, tag=True):
    """Read the attributes of a service."""

    key: ServiceKey
    consistency: Consistency = "linearizable"


class ListServices(msgspec.Struct, frozen=True, tag=True):
    """Read a page of the names of a group's services, in order. Pages count from 1."""

    namespace: str = "public"
    group: str = "DEFAULT_GROUP"
    page: int = 1
    page_size: int = 10
    consistency: Consistency = "linearizable"


class GetConfig(msgspec.Struct, frozen=True, tag=True):
    """Read a configuration by its key."""

    key: ConfigKey
    consistency: Consistency = "linearizable"


class HeldConfig(msgspec.Struct, frozen=True):
    """What a listening client holds of a configuration; an empty md5 is: nothing."""

    key: ConfigKey
    md5: str


class ListenConfigs(msgspec.Struct, frozen=True, tag=True):
    """Which of these configurations have another md5 than the client holds; as a long poll, once one has."""

    held: tuple[HeldConfig, ...]
    consistency: Consistency = "linearizable"
    wait_ms: int = 0


# ---- neither: nothing is logged, no state is read ---------------------------------------------------


class Beat(msgspec.Struct, frozen=True, tag=True):
    """An ephemeral instance's client says that it lives. The leader remembers; the log does not.

    Refused as `not-found` where no such instance is registered: a beat registers nothing.
    """

    key: InstanceKey


class GetStatus(msgspec.Struct, frozen=True, tag=True):
    """Read this node's own state."""


class AddLearner(msgspec.Struct, frozen=True, tag=True):
    """Send the log to a node that counts toward no majority yet (thesis, section 4.2.1)."""

    node: str


class Promote(msgspec.Struct, frozen=True, tag=True):
    """Let a learner that has caught up vote."""

    node: str


class Remove(msgspec.Struct, frozen=True, tag=True):
    """Take a voter or a learner out of the cluster."""

    node: str


class TransferLeadership(msgspec.Struct, frozen=True, tag=True):
    """Have another voter lead in the leader's place (thesis, section 3.10)."""

    to: str


InstanceWrite = Register | Update | Deregister
Write = Register | Update | Deregister | PutService | DeleteService | PublishConfig | RemoveConfig
Command = Write | Expire
"""What an entry of the log may hold: clients' writes, and what the leader decides itself."""
Read = Lookup | ListInstances | GetService | ListServices | GetConfig | ListenConfigs
MembershipChange = AddLearner | Promote | Remove
AdminBody = MembershipChange | TransferLeadership
"""What an administrator asks of the leader; any other node refuses, and says who leads."""
Body = Write | Read | Beat | GetStatus | AdminBody


class Request(msgspec.Struct, frozen=True):
    """One client's request. client and sequence, where given, make a write safe to repeat (`sessions.py`)."""

    body: Body
    op: str | None = None
    client: str | None = None
    sequence: int | None = None

    @property
    def session(self) -> tuple[str, int] | None:
        """(client, sequence), if the request carries both."""
        if self.client is None or self.sequence is None:
            return None
        return self.client, self.sequence


# ---- what an applied write leaves behind, and what a read finds --------------------------------------


class ConfigVersion(msgspec.Struct, frozen=True, tag=True):
    """The content that a configuration held before a write."""

    md5: str
    index: int


class Rejected(msgspec.Struct, frozen=True, tag=True):
    """The write was applied, and its condition did not hold: nothing was changed."""

    code: Literal["not-found", "conflict"]
    reason: str


Result = Instance | Service | ConfigVersion | Rejected | None
"""What applying an entry gives: what was there before, if anything, or why nothing was changed."""


class Listing(msgspec.Struct, frozen=True):
    """The enabled instances of a service, sorted by key."""

    instances: tuple[Instance, ...]
    is_protected: bool = False
    """So few were healthy that all are shown, and as healthy: see `Service.protect_threshold`."""
    changed: int = 0
    """The Raft index since which the service is as it is, or a later one."""


class ServicePage(msgspec.Struct, frozen=True):
    """Some of a group's service names, and how many there are in all."""

    count: int
    names: tuple[str, ...]


class ServiceView(msgspec.Struct, frozen=True):
    """A service's attributes and its clusters' names, sorted."""

    service: Service
    clusters: tuple[str, ...]


# ---- replies ----------------------------------------------------------------------------------------------


class Done(msgspec.Struct, frozen=True, tag=True):
    """The request was carried out; it took effect at `raft_index` (for a read: the applied index it saw).

    value: for writes what was there before (`Instance | Service | ConfigVersion | None`); for Lookup
    `Instance | None`; for ListInstances a `Listing`; for GetService `ServiceView | None`; for ListServices a
    `ServicePage`; for GetConfig `Config | None`; for ListenConfigs a tuple of the `ConfigKey`s that differ;
    for Beat the instance's `BeatTimes`; for GetStatus a `Status`.
    """

    raft_index: int
    value: Any = None


class Refused(msgspec.Struct, frozen=True, tag=True):
    """The request was not, or not known to be, carried out.

    proposed: False only if it certainly has and will have no effect: nothing was appended to any log, or
    (`not-found`, `conflict`) what was appended changed nothing; a client may then say `fail`. True: it may
    still take effect at any later time.
    """

    code: Literal[
        "no-leader",
        "not-leader",
        "timeout",
        "lost-leadership",
        "not-found",
        "conflict",
        "bad-request",
        "overloaded",
        "session-expired",
        "stale-sequence",
    ]
    reason: str
    proposed: bool
    raft_index: int | None = None
    """For `not-found` and `conflict`: the index at which that was so."""


Reply = Done | Refused
