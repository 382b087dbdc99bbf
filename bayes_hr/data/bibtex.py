"""BibTeX as data: entries with their keys and fields, each kept as it was written."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from bayes_hr.errors import InputError

_HEAD = re.compile(r"@(\w+)\{([^\s,{}]+),")
_FIELD = re.compile(r"\s*(\w+)\s*=\s*(?=\{)")


@dataclass(frozen=True)
class Entry:
    """One entry.

    Attributes
    ----------
    kind, key : str
        ``article`` and so on, in lower case; the key.
    fields : dict of str to str
        Name in lower case to what stands within its outer braces.
    text : str
        The entry as it was written.
    """

    kind: str
    key: str
    fields: dict[str, str]
    text: str


def entries(text: str) -> tuple[Entry, ...]:
    """The entries of a text that holds nothing else; values stand in braces.

    Raises
    ------
    InputError
        Where braces do not match, a field is named twice, or something else stands between.
    """
    found, at = [], 0
    text = text.strip()
    while at < len(text):
        head = _HEAD.match(text, at)
        if head is None:
            raise InputError(f"BibTeX: an entry should begin at {text[at : at + 30]!r}")
        end = _closing(text, text.index("{", at))
        kind, key = head[1].lower(), head[2]
        found.append(Entry(kind, key, _fields(text[head.end() : end - 1], key), text[at:end]))
        at = end + len(text[end:]) - len(text[end:].lstrip())
    return tuple(found)


def merged(texts: Iterable[str]) -> str:
    """All entries, each key once, sorted by key; a text that could be written to a ``.bib`` file.

    Raises
    ------
    InputError
        If two different entries have one key.
    """
    by_key: dict[str, Entry] = {}
    for entry in (entry for text in texts for entry in entries(text)):
        if by_key.setdefault(entry.key, entry).text != entry.text:
            raise InputError(f"BibTeX: two different entries have the key {entry.key!r}")
    return "\n\n".join(by_key[key].text for key in sorted(by_key))


def words_of(text: str) -> str:
    """Letters and digits of a title in lower case, one space between words, to compare titles by."""
    return " ".join(re.findall(r"\w+", re.sub(r"[{}]", "", text).replace("--", "-").lower()))


def _fields(body: str, key: str) -> dict[str, str]:
    found: dict[str, str] = {}
    at = 0
    while field := _FIELD.match(body, at):
        end, name = _closing(body, field.end()), field[1].lower()
        if name in found:
            raise InputError(f"BibTeX: {key} has two fields {name}")
        found[name] = body[field.end() + 1 : end - 1]
        comma = re.compile(r"\s*,").match(body, end)
        at = comma.end() if comma else end
        if comma is None:
            break
    if body[at:].strip():
        raise InputError(f"BibTeX: {key}: a field should begin at {body[at : at + 30].strip()!r}")
    return found


def _closing(text: str, start: int) -> int:
    """Position after the brace that closes the one at `start`."""
    depth = 0
    for at in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        if depth == 0:
            return at + 1
    raise InputError(f"BibTeX: no brace closes the one at {text[start : start + 30]!r}")
