"""One run as one zip: the regular files of its folder, without links."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from history.files import RefusedFile, open_regular


def write_zip(folder: Path, file: IO[bytes]) -> None:
    """Write all files of a run's folder into a zip; within it they lie in a folder of the run's name."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in files_in(folder):
            name = f"{folder.name}/{path.relative_to(folder)}"
            try:
                with (
                    open_regular(path, root=folder) as source,
                    archive.open(name, "w", force_zip64=True) as to,
                ):
                    shutil.copyfileobj(source, to)
            except (FileNotFoundError, RefusedFile):
                continue  # a run that goes on may remove a file


def files_in(folder: Path) -> Iterator[Path]:
    """The regular files below a folder, in order; no link is followed."""
    for path in sorted(folder.iterdir()):
        if path.is_symlink():
            continue
        if path.is_dir():
            yield from files_in(path)
        elif path.is_file():
            yield path
