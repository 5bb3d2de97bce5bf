"""What is replicated: registers, as calls of methods."""

import json
from hashlib import blake2b

from pysyncobj import SyncObjConsumer, replicated


class Store(SyncObjConsumer):
    """The registers. PySyncObj keeps what is put here after its own fields in its dumps."""

    def __init__(self):
        self.dumped = self.loaded = (
            ""  # a digest of the state that was just put into a dump, or came from one
        )
        super().__init__()
        self.registers = {}

    @replicated
    def read(self, key, _value, _op):
        return self.registers.get(key)

    @replicated
    def write(self, key, value, _op):
        self.registers[key] = value
        return value

    @replicated
    def cas(self, key, value, _op):
        if self.registers.get(key) != value[0]:
            return False
        self.registers[key] = value[1]
        return value

    def digest(self):
        return blake2b(json.dumps(self.registers, sort_keys=True).encode()).hexdigest()

    def _serialize(self):
        self.dumped = self.digest()
        return super()._serialize()

    def _deserialize(self, data):
        super()._deserialize(data)
        self.loaded = self.digest()
