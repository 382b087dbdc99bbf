"""Work on other machines, by a dask.distributed cluster: the extra ``bayes-hr[distributed]``.

A worker that dies takes nothing along: the scheduler gives what it had to another one, and what is returned
here is returned once.  Workers need the same version of bayes_hr.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import batched
from typing import Any, Final

from bayes_hr.errors import InputError

_ONE_AT_A_TIME: Final = threading.Lock()
_TIMEOUT: Final = 10.0
"""Seconds to wait for a scheduler."""


@contextmanager
def connected(scheduler: Any) -> Iterator[Any]:
    """A client of a cluster: the one given, or one of an address (``tcp://host:8786``), closed afterwards.

    Raises
    ------
    InputError
        If dask.distributed is not installed, or no scheduler answers.
    """
    try:
        from distributed import Client
        from distributed.comm import get_address_host_port
    except ImportError as error:
        raise InputError("dask is not installed: pip install 'bayes-hr[distributed]'") from error
    if isinstance(scheduler, Client):
        yield scheduler
        return
    if not isinstance(scheduler, str):
        raise InputError(f"scheduler: {scheduler!r} is neither an address nor a dask.distributed Client")
    try:
        get_address_host_port(scheduler)  # a Client of no address at all hangs when it is thrown away
        client = Client(scheduler, timeout=_TIMEOUT, set_as_default=False)
    except (OSError, ValueError) as error:
        raise InputError(
            f"scheduler: none answers at {scheduler!r} ({error}). Start one with `dask scheduler`, workers "
            "with `dask worker ADDRESS --nthreads 1`, and give the address that it prints"
        ) from error
    with client:
        yield client


def completed(
    scheduler: Any, function: Callable[..., Any], arguments: Sequence[tuple[Any, ...]]
) -> Generator[tuple[int, Any]]:
    """``function(*arguments[i])`` of each i, as it is done; what is under way is given up on leaving.

    A worker runs one at a time, however many threads it has: samplers are not safe in several.

    Yields
    ------
    tuple of int and distributed.Future
        Position, and a future that is done.
    """
    from distributed import as_completed

    with connected(scheduler) as client:
        alone = functools.partial(_alone, function)
        futures = {client.submit(alone, *args, pure=False): i for i, args in enumerate(arguments)}
        try:
            for future in as_completed(futures, loop=client.loop):
                yield futures[future], future
                future.release()
        finally:
            client.cancel(list(futures), reason="done, or stopped")


def reduced(
    scheduler: Any, function: Callable[..., Any], parts: Iterable[Any], join: Callable[[Any, Any], Any]
) -> Any:
    """``function(i, part)`` of each part, joined in pairs on the cluster, in an order that never changes.

    Returns
    -------
    object
        The last one; None if there are no parts.
    """
    with connected(scheduler) as client:
        level = [client.submit(function, i, part, pure=False) for i, part in enumerate(parts)]
        while len(level) > 1:
            pairs = batched(level, 2)  # the last may be alone
            level = [client.submit(join, *p, pure=False) if len(p) == 2 else p[0] for p in pairs]
        return level[0].result() if level else None


def _alone(function: Callable[..., Any], *arguments: Any) -> Any:
    with _ONE_AT_A_TIME:
        return function(*arguments)
