"""What the node keeps on disk: the write-ahead log of term, vote and entries, and a snapshot.

What may live here: file formats, recovery, and the one real disk (`os_disk.py`, the only file that
does I/O). What may not: Raft's rules, which decide *what* is written, and any thread or event loop.
"""

from node_impl.core.storage.disk import Disk, put_in_place
from node_impl.core.storage.format import CorruptLog
from node_impl.core.storage.wal import WriteAheadLog
from node_impl.io.os_disk import FolderInUse, OsDisk

__all__ = ["CorruptLog", "Disk", "FolderInUse", "OsDisk", "WriteAheadLog", "put_in_place"]
