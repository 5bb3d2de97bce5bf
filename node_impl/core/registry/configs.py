"""Configurations: a register each, with compare-and-set by the md5 of what is there."""

from __future__ import annotations

from hashlib import md5

from node_impl.core.registry.changes import Changes
from node_impl.core.requests import (
    Config,
    ConfigKey,
    ConfigVersion,
    HeldConfig,
    PublishConfig,
    Rejected,
    RemoveConfig,
)


def md5_of(content: str) -> str:
    """Nacos's fingerprint of a content: 32 hex digits over its UTF-8. It protects against no forger."""
    return md5(content.encode(), usedforsecurity=False).hexdigest()


class Configs:
    """All published configurations, by their keys."""

    def __init__(self) -> None:
        self.by_key: dict[ConfigKey, Config] = {}

    def publish(
        self, command: PublishConfig, index: int, changes: Changes
    ) -> ConfigVersion | Rejected | None:
        """Set the content, if what is there is what was expected; returns which content that was."""
        before = self.by_key.get(command.key)
        if command.expected_md5 is not None and (before is None or before.md5 != command.expected_md5):
            held = "nothing is published" if before is None else f"its md5 is {before.md5}"
            reason = f"{command.key.data_id}: casMd5 is {command.expected_md5}, but {held}"
            return Rejected("conflict", reason)
        self.by_key[command.key] = Config(
            command.key, command.content, command.content_type, md5_of(command.content), index
        )
        changes.touch((command.key,))
        return _version(before)

    def remove(self, command: RemoveConfig, changes: Changes) -> ConfigVersion | None:
        """Remove a configuration; returns which content was there."""
        before = self.by_key.pop(command.key, None)
        if before is not None:
            changes.touch((command.key,))
        return _version(before)

    def differing(self, held: tuple[HeldConfig, ...]) -> tuple[ConfigKey, ...]:
        """The configurations whose content here differs from what the client holds, or of which only one side
        has any."""
        return tuple(one.key for one in held if one.md5 != self._md5(one.key))

    def _md5(self, key: ConfigKey) -> str:
        config = self.by_key.get(key)
        return "" if config is None else config.md5


def _version(config: Config | None) -> ConfigVersion | None:
    return None if config is None else ConfigVersion(config.md5, config.index)
