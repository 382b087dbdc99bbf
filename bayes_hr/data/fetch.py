"""Fetch public files into a cache, checked by their SHA-256.

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
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit
from urllib.request import url2pathname

from bayes_hr.data.sources import PUBLIC_BASE, Source, get_source
from bayes_hr.errors import DataUnavailableError, InputError

logger = logging.getLogger("bayes_hr")

TIMEOUT_SECONDS: Final = (10, 60)
"""Longest wait for a connection, and for the next bytes."""

_YES: Final = {"1", "true", "yes", "on"}
_NO: Final = {"", "0", "false", "no", "off"}
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

    A cached copy that is broken is fetched again (and a warning logged). Licence and citation are shown
    before a download: to `notice`, else as an INFO message of the logger ``bayes_hr``. The file appears in
    the cache whole or not at all.

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
    target = cache_dir(cache) / "raw" / source.repo_path
    broken = _is_broken(target, source)
    if target.is_file() and not broken:
        return target
    address = base_address(base)
    if isinstance(address, str) and is_offline(offline):
        raise DataUnavailableError(_unavailable(source, target, "BAYES_HR_OFFLINE is set", broken=broken))
    if broken:
        logger.warning("%s: the cached copy %s is broken; fetching it again", source.id, target)
    (notice or _log_notice)(source)
    _download(source, address, target, broken=broken)
    return target


def fetch_all(
    ids: Iterable[str],
    *,
    progress: Progress | None = None,
    cache: str | Path | None = None,
    notice: Notice | None = None,
) -> dict[str, Path]:
    """Fetch several sources; unknown ids are refused before anything is fetched.

    Parameters
    ----------
    ids : iterable of str
        Keys of :data:`bayes_hr.data.sources.SOURCES`.
    progress : callable, optional
        Called with (number done, total, source) after each file.
    cache, notice
        As in :func:`fetch`.

    Returns
    -------
    dict of str to Path
    """
    sources = [get_source(source_id) for source_id in ids]
    paths: dict[str, Path] = {}
    for done, source in enumerate(sources, start=1):
        paths[source.id] = fetch(source, cache=cache, notice=notice)
        if progress is not None:
            progress(done, len(sources), source)
    return paths


def cache_problem(error: OSError, path: Path) -> InputError:
    """The clear error for a cache that cannot be written (full disk, no permission, a file in the way)."""
    hint = "free some space or" if error.errno in {errno.ENOSPC, errno.EDQUOT} else "make it writable or"
    reason = error.strerror or str(error)
    return InputError(
        f"cannot write to the cache at {path}: {reason}; {hint} set BAYES_HR_CACHE to another folder"
    )


def _is_broken(target: Path, source: Source) -> bool:
    try:
        return target.is_file() and sha256_of(target) != source.sha256
    except PermissionError as error:
        raise InputError(
            f"cannot read {target}: {error.strerror}; make it readable or set BAYES_HR_CACHE"
        ) from error


def _log_notice(source: Source) -> None:
    logger.info("%s: %s. Licence: %s. Cite: %s", source.id, source.title, source.licence, source.citation)


def _unavailable(source: Source, target: Path, reason: str, *, broken: bool) -> str:
    state = (
        f"the cached copy {target} is broken and " if broken else f"not in the cache ({target.parent}) and "
    )
    return f"{source.id} ({source.title}): {state}the source cannot be read: {reason}. {_HELP}"


def _copy(url: str, output_file: Any, pooch: Any) -> None:  # the signature that pooch calls
    """Pooch downloader for a folder mirror (pooch itself takes no folder)."""
    with Path(url).open("rb") as origin:
        if hasattr(output_file, "write"):
            shutil.copyfileobj(origin, output_file)
            return
        with Path(output_file).open("wb") as copy:
            shutil.copyfileobj(origin, copy)


@contextmanager
def _quiet_pooch() -> Iterator[None]:
    """Keep pooch's own progress lines off the terminal: our logger says what is fetched."""
    import pooch

    pooch_logger = pooch.get_logger()
    level = pooch_logger.level
    pooch_logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        pooch_logger.setLevel(level)


def _download(source: Source, address: str | Path, target: Path, *, broken: bool) -> None:
    import pooch
    import requests

    remote = isinstance(address, str)
    url = f"{address}{quote(source.repo_path)}" if remote else str(Path(address) / source.repo_path)
    if not remote and not Path(url).is_file():
        raise DataUnavailableError(_unavailable(source, target, f"there is no file {url}", broken=broken))
    manager = pooch.create(
        path=target.parent,
        base_url="",
        registry={target.name: f"sha256:{source.sha256}"},
        urls={target.name: url},
        retry_if_failed=1 if remote else 0,
    )
    downloader = pooch.HTTPDownloader(timeout=TIMEOUT_SECONDS, progressbar=False) if remote else _copy
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _quiet_pooch():
            manager.fetch(target.name, downloader=downloader)
    except requests.RequestException as error:  # before OSError, which it derives from
        raise DataUnavailableError(
            _unavailable(source, target, f"{_why(error)} ({url})", broken=broken)
        ) from error
    except OSError as error:
        raise cache_problem(error, target.parent) from error
    except ValueError as error:
        target.unlink(missing_ok=True)
        raise InputError(_wrong_checksum(source, url, str(error))) from error


def _why(error: Any) -> str:
    """A network error in words, without the library's chain of wrappers."""
    response = getattr(error, "response", None)
    if response is not None:
        return f"the server answered {response.status_code} {response.reason}"
    return f"no answer from the server ({type(error).__name__})"


def _wrong_checksum(source: Source, url: str, pooch_message: str) -> str:
    words = pooch_message.replace("(", " ").replace(")", " ").replace(".", " ").split()
    found = [word for word in words if len(word) == 64 and word != source.sha256]
    return (
        f"{source.id}: wrong checksum at {url}: expected SHA-256 {source.sha256}, got "
        f"{found[0] if found else '?'}; the file was changed upstream or cut off on its way. Nothing was "
        "kept: try again, or set BAYES_HR_MIRROR to a good copy"
    )
