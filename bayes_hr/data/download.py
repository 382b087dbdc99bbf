"""One file from a web server to the disk: resumed, retried, stoppable. Knows nothing of sources or caches.

``requests`` speaks HTTP, ``urllib3.util.Retry`` says how long to wait before another try. The loop is ours:
their own retries end with the headers, so that a body that breaks off is not asked for again. (Pooch begins
again from nothing and at once, and does so after a 404 and a wrong checksum too.)
"""

from __future__ import annotations

import logging
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path
    from threading import Event

    import requests
    from urllib3.util import Retry

logger = logging.getLogger("bayes_hr")

TIMEOUT_SECONDS: Final = (10, 30)
"""Longest wait for a connection, and for the next bytes."""

RETRIES: Final = 4
"""Times that a download is tried again after a failure that may pass."""

BACKOFF_SECONDS: Final = 0.5
"""Wait before the second retry (the first is at once); doubles each time, with as much again of jitter."""

LONGEST_WAIT_SECONDS: Final = 60.0
"""A server that asks for a longer wait (Retry-After) is not waited for."""

CHUNK_BYTES: Final = 1 << 16
"""Bytes read between two looks at `stop`."""

_PASSING: Final = (429, *range(500, 600))
"""Answers that may be another one later."""

_PARTIAL, _NO_SUCH_RANGE = 206, 416


def download(url: str, part: Path, *, stop: Event) -> bool:
    """Bring the file `part` to the whole of what is at `url`; goes on from where it ends.

    Bytes that are in `part` already are not asked for again, if the server knows ranges; else `part` begins
    anew. Whatever goes wrong, what has come so far stays in `part`. Whether its bytes are right is the
    caller's to check.

    Parameters
    ----------
    url : str
        http(s) address.
    part : Path
        File to write; may exist.
    stop : threading.Event
        Once it is set, the download ends at the next bytes.

    Returns
    -------
    bool
        Whether the last request went on from bytes of an earlier one, so that a file that changed in
        between would be half old and half new.

    Raises
    ------
    requests.RequestException
        After :data:`RETRIES` retries of a lost connection, a timeout, 429 or 5xx; at once of anything else.
    OSError
        If `part` cannot be written.
    concurrent.futures.CancelledError
        If `stop` was set.
    """
    import requests
    from urllib3.util import Retry

    policy = Retry(RETRIES, backoff_factor=BACKOFF_SECONDS, backoff_jitter=BACKOFF_SECONDS)
    for left in range(RETRIES, 0, -1):
        try:
            return _request(url, part, stop)
        except requests.RequestException as error:
            policy = policy.increment("GET", url, error=error)
            wait = _wait(error, policy)
            if wait is None:
                raise
            logger.info("%s: %s; trying again in %.1f s (tries left: %d)", url, reason(error), wait, left)
            if stop.wait(wait):
                raise CancelledError from error
    return _request(url, part, stop)


def _request(url: str, part: Path, stop: Event) -> bool:
    """One request; whether bytes that were in `part` before were kept."""
    import requests

    have = part.stat().st_size if part.is_file() else 0
    # A range counts the bytes of what is sent: these must be those of the file, not of a compressed copy.
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT_SECONDS) as response:
        goes_on = response.status_code == _PARTIAL and _starts_at(response, have)
        unusable = response.status_code == _NO_SUCH_RANGE or (
            response.status_code == _PARTIAL and not goes_on
        )
        if not (have and unusable):
            response.raise_for_status()
            with part.open("ab" if goes_on else "wb") as file:
                for chunk in response.iter_content(CHUNK_BYTES):
                    if stop.is_set():
                        raise CancelledError
                    file.write(chunk)
            return goes_on
    part.unlink()  # the file is now shorter than what we have, or the server sends another range
    return _request(url, part, stop)


def _starts_at(response: requests.Response, offset: int) -> bool:
    return response.headers.get("Content-Range", "").startswith(f"bytes {offset}-")


def _wait(error: requests.RequestException, policy: Retry) -> float | None:
    """Seconds until the next try; None if there is to be none."""
    import requests

    passing = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)
    if error.response is None:
        return policy.get_backoff_time() if isinstance(error, passing) else None
    if error.response.status_code not in _PASSING:
        return None
    asked = _asked_to_wait(error.response, policy)
    return None if asked > LONGEST_WAIT_SECONDS else max(asked, policy.get_backoff_time())


def _asked_to_wait(response: requests.Response, policy: Retry) -> float:
    """Seconds of the header Retry-After, a number or a date; 0 without one, or one that cannot be read."""
    from urllib3.exceptions import InvalidHeader

    try:
        return policy.parse_retry_after(response.headers.get("Retry-After", "0"))
    except InvalidHeader as error:
        logger.info("%s: %s", response.url, error)
        return 0.0


def reason(error: requests.RequestException) -> str:
    """A network error in words, without the library's chain of wrappers."""
    if error.response is None:
        return f"no answer from the server ({type(error).__name__})"
    asked = error.response.headers.get("Retry-After")
    later = f" and asks to wait (Retry-After: {asked})" if asked else ""
    return f"the server answered {error.response.status_code} {error.response.reason}{later}"
