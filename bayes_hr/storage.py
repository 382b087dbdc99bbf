"""Folders written whole or not at all."""

from __future__ import annotations

import errno
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bayes_hr.errors import InputError

MARKER: Final = "provenance.json"
"""The file by which a folder is known to hold a fit."""


def check_target(folder: Path) -> None:
    """Refuse a target that is a file, or a folder with somebody's other files in it.

    Raises
    ------
    InputError
        Before anything is computed.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"output {folder}: is a file, not a folder. Give the name of a folder (--out DIR).")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / MARKER).is_file():
        raise InputError(
            f"output {folder}: holds other files and no fit of ours. Give an empty or new folder."
        )
    parent = folder.absolute().parent
    while not parent.exists():
        parent = parent.parent
    if not parent.is_dir():
        raise InputError(f"output {folder}: {parent} is a file, not a folder.")


@contextmanager
def atomic_folder(folder: Path) -> Iterator[Path]:
    """Give a temporary folder to fill; it takes the place of ``folder`` only if all went well.

    Raises
    ------
    InputError
        If the target cannot be used, or the disk is full or not writable.  Then the old folder, if
        there was one, is as it was, and nothing half-written is left.
    """
    check_target(folder)
    folder = folder.resolve()
    work = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        filled = work / "new"
        filled.mkdir()
        yield filled
        _keep_own_files(folder, filled)
        if folder.exists():
            folder.rename(work / "old")
        filled.rename(folder)
    except OSError as error:
        raise InputError(_explain(folder, error)) from error
    finally:
        if work is not None:
            if (work / "old").exists() and not folder.exists():
                (work / "old").rename(folder)
            shutil.rmtree(work, ignore_errors=True)


def _explain(folder: Path, error: OSError) -> str:
    if error.errno in {errno.ENOSPC, errno.EDQUOT} or "No space left" in str(error):
        return (
            f"output {folder}: the disk is full; nothing was written. Free some space or give another --out."
        )
    return f"output {folder}: cannot be written ({error}); nothing was left behind."
