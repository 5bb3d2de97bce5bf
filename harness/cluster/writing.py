"""The files that a system needs at a node before it starts."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from harness.cluster.layout import NodeOnHost
from harness.hosts.host import HostError
from harness.systems.base import WrittenFile


async def write_files(node: NodeOnHost, files: Sequence[WrittenFile]) -> None:
    """Write them; those that are written once only before the node's first life.

    What lies in the data folder is durable then: it is the harness's, so no loss of power may take it.

    Raises:
        HostError: a path leads out of the node's folder, or a file cannot be written.
    """
    for file in files:
        relative = PurePosixPath(file.path)
        if relative.is_absolute() or ".." in relative.parts or not relative.parts:
            raise HostError(f"the file {file.path!r} is not in the node's folder")
        if file.once and node.lives:
            continue
        there = node.place.folder / relative
        await node.host.make_folder(there.parent)
        with tempfile.NamedTemporaryFile("w", encoding="utf-8") as here:
            here.write(file.content)
            here.flush()
            await node.host.upload(Path(here.name), there)
        if there.is_relative_to(node.place.data):
            folders = [folder for folder in there.parents if folder.is_relative_to(node.place.data)]
            synced = await node.host.run(["sync", str(there), *map(str, folders)])
            if synced.status:
                raise HostError(f"the file {file.path!r} cannot be made durable: {synced.complaint()}")
