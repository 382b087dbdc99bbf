"""Fetch public files into a cache, checked by their SHA-256; several at once, and by several processes.

Environment: ``BAYES_HR_CACHE`` (folder; default: the user cache folder), ``BAYES_HR_MIRROR`` (a folder or a
base address in place of the public one), ``BAYES_HR_OFFLINE=1`` (never touch the network; a folder mirror
still works).
"""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Lock
from typing import Final
from urllib.parse import quote, urlsplit
from urllib.request import url2pathname

from bayes_hr.data.download import download, reason
from bayes_hr.data.messages import listed
from bayes_hr.data.sources import PUBLIC_BASE, Source, get_source
from bayes_hr.errors import DataUnavailableError, InputError

logger = logging.getLogger("bayes_hr")

_YES: Final = {"1", "true", "yes", "on"}
_NO: Final = {"", "0", "false", "no", "off"}
_FULL: Final = {errno.ENOSPC, errno.EDQUOT}
_HELP: Final = (
    "Set BAYES_HR_MIRROR to a folder or address that holds the files, or go on with your own data "
    "(bayes_hr.Panel.from_frame, --panel FILE) or a simulated world (bayes-hr demo)"
)

Notice = Callable[[Source], None]
Progress = Callable[[int, int, Source], None]


def cache_dir(cache: str | Path | None = None) -> Path:
    """Folder of the cache: the argument, else ``BAYES_HR_CACHE``, else the user cache folder.

    Parameters
    ----------
    cache : str or Path, optional
        Overrides the environment.

    Returns
    -------
    Path
        Absolute; not created here.
    """
    chosen = cache or os.environ.get("BAYES_HR_CACHE")
    if chosen:
        return Path(chosen).expanduser().absolute()
    import platformdirs

    return Path(platformdirs.user_cache_dir("bayes_hr"))


def base_address(base: str | Path | None = None) -> str | Path:
    """Where files come from: a folder (absolute path) or an http(s) address that ends in a slash.

    Parameters
    ----------
    base : str or Path, optional
        Overrides ``BAYES_HR_MIRROR``, which overrides the public address.

    Returns
    -------
    str or Path

    Raises
    ------
    InputError
        If the folder is missing or the address is of another kind.
    """
    chosen = str(base or os.environ.get("BAYES_HR_MIRROR") or PUBLIC_BASE)
    scheme = urlsplit(chosen).scheme
    if scheme in {"http", "https"}:
        return chosen.rstrip("/") + "/"
    if "://" in chosen and scheme != "file":
        raise InputError(f"BAYES_HR_MIRROR: {chosen!r} is neither a folder nor an http(s) address")
    folder = Path(url2pathname(urlsplit(chosen).path) if scheme == "file" else chosen).expanduser().absolute()
    if not folder.is_dir():
        raise InputError(
            f"BAYES_HR_MIRROR: there is no folder {folder}; give a folder or an http(s) base address"
        )
    return folder


def is_offline(offline: bool | None = None) -> bool:
    """Whether the network is off limits: the argument, else ``BAYES_HR_OFFLINE``.

    Parameters
    ----------
    offline : bool, optional
        Overrides the environment.

    Returns
    -------
    bool

    Raises
    ------
    InputError
        If the variable is neither a yes nor a no.
    """
    if offline is not None:
        return offline
    value = os.environ.get("BAYES_HR_OFFLINE", "").strip().lower()
    if value not in _YES | _NO:
        raise InputError(f"BAYES_HR_OFFLINE: {value!r} is neither 1 nor 0")
    return value in _YES


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, hexadecimal."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def fetch(
    source: Source | str,
    *,
    cache: str | Path | None = None,
    base: str | Path | None = None,
    offline: bool | None = None,
    notice: Notice | None = None,
) -> Path:
    """Path of the source's file in the cache, fetched there if need be and checked by SHA-256.

    A cached copy that is broken or cannot be read is fetched again (and a warning logged). Licence and
    citation are shown before a download: to `notice`, else as an INFO message of the logger ``bayes_hr``.
    The file appears in the cache whole or not at all; what an interrupted download leaves
    (``<file>.part``) is gone on from. Two processes that want the same file download it once.

    Parameters
    ----------
    source : Source or str
        The source, or its id.
    cache, base, offline
        Override ``BAYES_HR_CACHE``, ``BAYES_HR_MIRROR``, ``BAYES_HR_OFFLINE``.
    notice : callable, optional
        Called with the source before it is downloaded.

    Returns
    -------
    Path

    Raises
    ------
    DataUnavailableError
        If the source cannot be reached and the cache holds no good copy.
    InputError
        If the bytes at the source have another SHA-256, or the cache cannot be written.
    """
    source = get_source(source) if isinstance(source, str) else source
    return _fetch(
        source, cache_dir(cache), base=base, offline=offline, notice=notice or _log_notice, stop=Event()
    )


def fetch_all(
    ids: Iterable[str],
    *,
    workers: int = 4,
    progress: Progress | None = None,
    cache: str | Path | None = None,
    notice: Notice | None = None,
) -> dict[str, Path]:
    """Fetch several sources at once; unknown ids are refused before anything is fetched.

    One that fails does not keep the others from being fetched.

    Parameters
    ----------
    ids : iterable of str
        Keys of :data:`bayes_hr.data.sources.SOURCES`.
    workers : int
        How many are fetched at the same time.
    progress : callable, optional
        Called with (number done, total, source) after each file, in the caller's thread.
    cache, notice
        As in :func:`fetch`; `notice` is called by one thread at a time.

    Returns
    -------
    dict of str to Path
        In the order of `ids`.

    Raises
    ------
    DataUnavailableError, InputError
        As :func:`fetch`, once all others are there; InputError if `workers` is below 1.
    """
    if workers < 1:
        raise InputError(f"workers: {workers} is not 1 or more")
    sources = [get_source(source_id) for source_id in dict.fromkeys(ids)]
    folder, stop, one_at_a_time = cache_dir(cache), Event(), Lock()

    def show(source: Source) -> None:
        with one_at_a_time:
            (notice or _log_notice)(source)

    pool = ThreadPoolExecutor(workers, thread_name_prefix="bayes_hr-fetch")
    try:
        jobs = {pool.submit(_fetch, s, folder, notice=show, stop=stop): s for s in sources}
        for done, job in enumerate(as_completed(jobs), start=1):
            if progress is not None:
                progress(done, len(sources), jobs[job])
    finally:
        stop.set()  # an interrupted wait must not go on in the background
        pool.shutdown(wait=False, cancel_futures=True)
    _raise_failures(jobs)
    return {source.id: job.result() for job, source in jobs.items()}


def _raise_failures(jobs: dict[Future[Path], Source]) -> None:
    """Raise what went wrong: the error itself if it is one, else the first and which others."""
    failed = {source.id: error for job, source in jobs.items() if (error := job.exception()) is not None}
    for error in failed.values():
        if len(failed) == 1 or not isinstance(error, InputError):
            raise error
    if failed:
        absent = all(isinstance(error, DataUnavailableError) for error in failed.values())
        first = next(iter(failed.values()))
        raise (DataUnavailableError if absent else InputError)(
            f"{len(failed)} of {len(jobs)} sources cannot be had: {listed(failed, 30)}. The first: {first}"
        ) from first


def cache_problem(error: OSError, path: Path) -> InputError:
    """The clear error for a cache that cannot be written (full disk, no permission, a file in the way)."""
    hint = "free some space or" if error.errno in _FULL else "make it writable or"
    reason = error.strerror or str(error)
    return InputError(
        f"cannot write to the cache at {path}: {reason}; {hint} set BAYES_HR_CACHE to another folder"
    )


def _fetch(
    source: Source,
    folder: Path,
    *,
    base: str | Path | None = None,
    offline: bool | None = None,
    notice: Notice,
    stop: Event,
) -> Path:
    target = folder / "raw" / source.repo_path
    problem = _problem(target, source)
    if problem is None:
        return target
    address = base_address(base)
    if isinstance(address, str) and is_offline(offline):
        raise DataUnavailableError(_unavailable(source, target, "BAYES_HR_OFFLINE is set"))
    try:
        with _only_one(folder / "locks" / f"{source.id}-{source.sha256[:16]}.lock", source, stop):
            problem = _problem(target, source)
            if problem is None:  # another process has just fetched it
                return target
            if target.is_file():
                logger.warning(
                    "%s: the cached copy %s is broken (%s); fetching it again", source.id, target, problem
                )
            notice(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            _bring(source, address, target, stop)
    except OSError as error:
        raise cache_problem(error, target.parent) from error
    return target


def _problem(target: Path, source: Source) -> str | None:
    """What is wrong with the cached copy; None if nothing is."""
    try:
        if not target.is_file():
            return "it is not there"
        return None if sha256_of(target) == source.sha256 else "wrong checksum"
    except OSError as error:
        return f"it cannot be read: {error.strerror or error}"


@contextmanager
def _only_one(path: Path, source: Source, stop: Event) -> Iterator[None]:
    """Wait until no other process or thread fetches the source.

    The lock is the operating system's, which drops it when its owner ends, however that comes; the empty
    file stays, since to delete it would let two in.
    """
    from filelock import FileLock, Timeout

    path.parent.mkdir(parents=True, exist_ok=True)
    lock, told = FileLock(path), False
    while not lock.is_locked:
        try:
            lock.acquire(timeout=0.2)
        except Timeout as error:
            if stop.is_set():
                raise CancelledError from error
            if not told:
                logger.info("%s: another process is fetching it; waiting", source.id)
            told = True
    try:
        yield
    finally:
        lock.release()


def _log_notice(source: Source) -> None:
    logger.info("%s: %s. Licence: %s. Cite: %s", source.id, source.title, source.licence, source.citation)


def _unavailable(source: Source, target: Path, why: str) -> str:
    state = (
        f"the cached copy {target} is broken" if target.is_file() else f"not in the cache ({target.parent})"
    )
    return f"{source.id} ({source.title}): {state} and the source cannot be read: {why}. {_HELP}"


def _bring(source: Source, address: str | Path, target: Path, stop: Event) -> None:
    """Copy or download to a file beside the target, check it, and put it in the target's place."""
    part = target.with_name(f"{target.name}.part")
    if isinstance(address, Path):
        url = str(address / source.repo_path)
        _copy(source, Path(url), target, part)
    else:
        url = f"{address}{quote(source.repo_path)}"
        _download(source, url, target, part, stop)
    found = sha256_of(part)
    if found != source.sha256:
        part.unlink()
        target.unlink(missing_ok=True)
        raise InputError(
            f"{source.id}: wrong checksum at {url}: expected SHA-256 {source.sha256}, got {found}; the file "
            "was changed upstream or cut off on its way. Nothing was kept: try again, or set "
            "BAYES_HR_MIRROR to a good copy"
        )
    part.replace(target)


def _copy(source: Source, origin: Path, target: Path, part: Path) -> None:
    if not origin.is_file():
        raise DataUnavailableError(_unavailable(source, target, f"there is no file {origin}"))
    try:
        good = origin.open("rb")
    except OSError as error:
        raise DataUnavailableError(_unavailable(source, target, f"{error.strerror} ({origin})")) from error
    with good, _full_disk_leaves_nothing(part), part.open("wb") as copy:
        shutil.copyfileobj(good, copy)


def _download(source: Source, url: str, target: Path, part: Path, stop: Event) -> None:
    import requests

    if part.is_file() and sha256_of(part) == source.sha256:  # stopped between its last byte and its renaming
        return
    try:
        with _full_disk_leaves_nothing(part):
            joined = download(url, part, stop=stop)
            if joined and sha256_of(part) != source.sha256:
                logger.warning("%s: %s does not fit what is now at %s; starting again", source.id, part, url)
                part.unlink()
                download(url, part, stop=stop)
    except requests.RequestException as error:
        raise DataUnavailableError(_unavailable(source, target, f"{reason(error)} ({url})")) from error


@contextmanager
def _full_disk_leaves_nothing(part: Path) -> Iterator[None]:
    """Delete the part if the disk is full: what is left would keep it so."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            part.unlink(missing_ok=True)
        raise
