"""Folders written whole or not at all."""

from __future__ import annotations

import errno
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bayes_hr.errors import InputError

MARKER: Final = "provenance.json"
"""The file by which a folder is known to hold a fit."""

FILES: Final = frozenset(
    {
        MARKER,
        "fit.nc",
        "spec.toml",
        "effects.csv",
        "summary.json",
        "report.html",
        "reference.csv",
        "truth.csv",
    }
)
"""Every file that a saved fit may hold; others in its folder are somebody's own and are kept."""


@dataclass(frozen=True)
class Kind:
    """What a folder of ours holds.

    Attributes
    ----------
    name
        For messages: ``fit``.
    marker
        The file by which such a folder is known.
    files
        Every file that it may hold; others are somebody's own and are kept.
    """

    name: str
    marker: str
    files: frozenset[str]


FIT: Final = Kind("fit", MARKER, FILES)


def check_target(folder: Path, kind: Kind = FIT) -> None:
    """Refuse a target that cannot take a fit: a file, somebody's folder, a place that cannot be written.

    Raises
    ------
    InputError
        Before anything is computed.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"output {folder}: is a file, not a folder. Give the name of a folder (--out DIR).")
    if folder.is_mount() or Path.cwd().is_relative_to(folder.resolve()):
        raise InputError(
            f"output {folder}: a {kind.name} replaces its folder whole, so it can be neither the current "
            f"folder nor a mounted disk itself. Give a folder inside it, such as {folder / kind.name}."
        )
    if folder.is_dir() and any(folder.iterdir()) and not (folder / kind.marker).is_file():
        raise InputError(
            f"output {folder}: holds other files and no {kind.name} of ours. Give an empty or new folder."
        )
    parent = _nearest(folder)
    if not parent.is_dir():
        raise InputError(f"output {folder}: {parent} is a file, not a folder.")
    try:
        tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=parent).cleanup()
    except OSError as error:
        raise InputError(_explain(folder, error)) from error


def check_space(folder: Path, need: int) -> None:
    """Refuse a target whose disk has less room than the draws alone will take.

    Parameters
    ----------
    folder
        Where the fit goes.
    need
        Bytes.

    Raises
    ------
    InputError
        Before anything is sampled.
    """
    free = shutil.disk_usage(_nearest(folder)).free
    if free < need:
        raise InputError(
            f"output {folder}: the disk is full: {free / 1e6:,.1f} MB are free and the fit needs more than "
            f"{need / 1e6:,.1f} MB. Free some space, give another folder (--out DIR) or take fewer draws."
        )


def _nearest(folder: Path) -> Path:
    """The nearest thing above a folder that exists."""
    parent = folder.resolve().parent
    while not parent.exists():
        parent = parent.parent
    return parent


@contextmanager
def atomic_folder(folder: Path, kind: Kind = FIT) -> Iterator[Path]:
    """Give a temporary folder to fill; it takes the place of ``folder`` only if all went well.

    Raises
    ------
    InputError
        If the target cannot be used, or the disk is full or not writable.  Then the old folder, if
        there was one, is as it was, and nothing half-written is left.
    """
    check_target(folder, kind)
    folder = folder.resolve()
    work = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        filled = work / "new"
        filled.mkdir()
        yield filled
        _keep_own_files(folder, filled, kind)
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


def _keep_own_files(old: Path, new: Path, kind: Kind) -> None:
    """Copy what somebody has put beside a fit, notes for example."""
    for path in old.iterdir() if old.is_dir() else ():
        if path.name in kind.files:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.copytree(path, new / path.name, symlinks=True)
        else:
            shutil.copy2(path, new / path.name, follow_symlinks=False)


def _explain(folder: Path, error: OSError) -> str:
    advice = "Give another folder (--out DIR)"
    if error.errno in {errno.ENOSPC, errno.EDQUOT} or "No space left" in str(error):
        return f"output {folder}: the disk is full; nothing was written. {advice} or free some space."
    reason = error.strerror or str(error)
    return f"output {folder}: cannot be written ({reason}); nothing was left behind. {advice}."
