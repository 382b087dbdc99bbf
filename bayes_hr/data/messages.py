"""Small pieces of error messages: nearest names and shortened lists."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(name: str, options: Iterable[str]) -> str:
    """Say which option was probably meant, or list them all.

    Parameters
    ----------
    name : str
        What the user wrote.
    options : iterable of str
        What would have been valid.

    Returns
    -------
    str
        ``"did you mean 'x'? (valid: ...)"`` or ``"valid: ..."``.
    """
    valid = [str(option) for option in options]
    by_lower = {option.lower(): option for option in valid}
    close = difflib.get_close_matches(str(name).lower(), list(by_lower), n=2, cutoff=0.6)
    listed_valid = "valid: " + (listed(valid, 30) if valid else "none")
    if not close:
        return listed_valid
    return f"did you mean {' or '.join(repr(by_lower[hit]) for hit in close)}? ({listed_valid})"


def listed(items: Iterable[object], n: int = 5) -> str:
    """The first `n` items joined by commas, and how many more there are.

    Parameters
    ----------
    items : iterable
        What to list.
    n : int
        How many to show.

    Returns
    -------
    str
    """
    shown = [str(item) for item in items]
    rest = len(shown) - n
    return ", ".join(shown[:n]) + (f" and {rest} more" if rest > 0 else "")
