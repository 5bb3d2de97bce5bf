"""The files of a node as its process sees them: what PySyncObj asks of the operating system for its journal
and for the dump of its state.

PySyncObj writes its journal through a mapping of the file, and never syncs it. So each change is in the
kernel at once: it survives a kill of the process, and not always a loss of power. `handed` is called with
each, as one record of the simulated journal, and all records of a node make its files again.
"""

import gzip
import io
from base64 import b64decode, b64encode


class Files:
    """All files of one node. It stands for the modules `os`, `os.path`, `shutil`, `mmap`, and for `open`."""

    def __init__(self, records, handed):
        self.held, self.path = {}, self
        self.handed = lambda *_record: None
        for what, name, *more in records:
            if what == "write":
                self.change(name, more[0], b64decode(more[1]), more[2])
            else:
                self.move(name, *more)
        self.handed = handed

    def change(self, name, offset, data, size):
        """Write bytes, and let the file have this size afterwards."""
        content = self.held.setdefault(name, bytearray())
        content.extend(bytes(max(0, size - len(content))))
        content[offset : offset + len(data)] = data
        del content[size:]
        self.handed("write", name, offset, b64encode(bytes(data)).decode(), size)

    def move(self, old, new):
        self.held[new] = self.held.pop(old)
        self.handed("move", old, new)

    rename = move

    def exists(self, name):
        return name in self.held

    isfile = exists

    def open(self, name, mode):
        return Opened(self, name, mode)

    def mmap(self, opened, _length):
        return Mapping(opened)


class Opened:
    """An open file. What is written to it waits in the process until it is flushed or closed, as ever."""

    def __init__(self, files, name, mode):
        self.files, self.name, self.pending = files, name, b""
        if "w" in mode:
            files.change(name, 0, b"", 0)
        elif name not in files.held:
            raise FileNotFoundError(name)
        self.read = io.BytesIO(files.held[name]).read

    def write(self, data):
        self.pending += data
        return len(data)

    def flush(self):
        if self.pending:
            size = len(self.files.held[self.name])
            self.files.change(self.name, size, self.pending, size + len(self.pending))
            self.pending = b""

    close = flush

    def fileno(self):
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Mapping:
    """A file mapped into memory: a store is a write."""

    def __init__(self, opened):
        self.files, self.name = opened.files, opened.name

    def size(self):
        return len(self.files.held[self.name])

    def resize(self, size):
        self.files.change(self.name, 0, b"", size)

    def __getitem__(self, place):
        return bytes(self.files.held[self.name][place])

    def __setitem__(self, place, data):
        self.files.change(self.name, place.start, data, self.size())

    def flush(self):
        pass

    close = flush


class Zip:
    """The module `gzip`, but the time of day is not in what it writes."""

    @staticmethod
    def GzipFile(fileobj, mode="rb"):
        return gzip.GzipFile(filename="", fileobj=fileobj, mode=mode, mtime=0)
