"""Errors for people: what was wrong, where, and what to do about it."""

from __future__ import annotations


class BayesHRError(Exception):
    """Base class of every error that bayes_hr raises on purpose."""


class InputError(BayesHRError, ValueError):
    """Something the user supplied cannot be used; raised before any sampling (exit code 2).

    The message names what was wrong, where (column, row, country-year, card and key) and what to do.
    """


class DataUnavailableError(InputError):
    """A public source could not be read: not in the cache, not at the mirror, not on the network."""


class TaskFailureError(BayesHRError):
    """Some of many tasks failed; the others are done and kept.

    Parameters
    ----------
    message : str
        Which failed, why, and what to do.
    failures : dict of str to str
        Key of each failed task to its traceback.
    results : dict of str to object
        Key of each finished task to its result.
    """

    def __init__(self, message: str, failures: dict[str, str], results: dict[str, object]) -> None:
        super().__init__(message)
        self.failures = failures
        self.results = results
