"""Files written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from bayes_hr.errors import InputError


def write_file(path: Path, content: bytes, *, what: str) -> None:
    """Write a file whole or not at all, with the permissions of any new file.

    Parameters
    ----------
    path
        Its folder is made if it is not there; an older file is replaced.
    content
        Bytes.
    what
        Name of the thing, for the error message.

    Raises
    ------
    InputError
        If the folder cannot be written to, or the disk is full.
    """
    work = None
    try:
        path.absolute().parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.absolute().parent)
        work = Path(name)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        mask = os.umask(0)
        os.umask(mask)
        work.chmod(0o666 & ~mask)
        work.replace(path)
    except OSError as error:
        raise InputError(f"{what} {path}: cannot be written ({error}); no half of it was left.") from error
    finally:
        if work is not None:
            work.unlink(missing_ok=True)
