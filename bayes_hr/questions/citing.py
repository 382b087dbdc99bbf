"""What to cite: the sources of a card's panel, its references, and the software of its engine."""

from __future__ import annotations

import hashlib
import json
import logging
import re
import tomllib
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from bayes_hr.cards import Card, list_cards, load_card, parse_card
from bayes_hr.data.bibtex import Entry, entries, merged, words_of
from bayes_hr.data.catalogue.works import REFERENCES, SOFTWARE
from bayes_hr.data.load import PANELS, panel_sources
from bayes_hr.data.messages import listed, nearest
from bayes_hr.data.panel import Panel
from bayes_hr.data.sources import SOURCES, get_source
from bayes_hr.errors import InputError
from bayes_hr.questions import question_of
from bayes_hr.storage import MARKER

if TYPE_CHECKING:
    from bayes_hr.fits import Fit

_LOG = logging.getLogger("bayes_hr")
_TEX: Final = str.maketrans({c: f"\\{c}" for c in "&%$#_"} | dict.fromkeys("{}\\~^", ""))
"""Characters that mean something to TeX; those that stand in no reference are left out."""


def cite(subject: Card | Fit | Panel | str | Path, *, form: Literal["bibtex", "text"] = "bibtex") -> str:
    """Whom to cite for exactly what a card, a fit, a panel or a source uses.

    Of a card: the sources of its panel by its options, its references, and the software: bayes_hr, ArviZ
    (R-hat and effective sample sizes of every fit) and, if its engine is NUTS, PyMC and nutpie. No panel is
    built, no source read and nothing fetched.

    Parameters
    ----------
    subject : Card, Fit, Panel, str or Path
        Or the id of a shipped card, the path of a card's ``.toml``, the folder of a saved fit, the id of a
        source, or the name of a panel (with its default options).
    form : str
        ``"bibtex"``: entries sorted by key, each once. ``"text"``: a line for each, sorted.

    Returns
    -------
    str
        Ends in a line feed.

    Raises
    ------
    InputError
        If there is no such thing to cite (names the nearest), or a saved fit is damaged.
    """
    if form not in {"bibtex", "text"}:
        raise InputError(f"form: {form!r} is neither 'bibtex' nor 'text'")
    used = _used(subject)
    if form == "text":
        lines = [*(get_source(s).citation for s in used.sources), *used.references, *_software(used, 0)]
        return "".join(f"{line}\n" for line in sorted(set(lines)))
    texts = [get_source(s).bibtex for s in used.sources]
    texts += [_entry_of(reference).text for reference in used.references]
    return merged([*texts, *_software(used, 1)]) + "\n"


@dataclass(frozen=True)
class _Used:
    """What is to be cited: ids of sources, references in words, names of packages, version of bayes_hr."""

    sources: tuple[str, ...]
    references: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    version: str | None = None  # None: bayes_hr itself is not cited


def _used(subject: Card | Fit | Panel | str | Path) -> _Used:
    if isinstance(subject, Card):
        return _of_card(subject)
    if isinstance(subject, Panel):
        return _Used(subject.sources, version=version("bayes-hr"))
    if not isinstance(subject, str | Path):
        return _of_fit(subject.card, subject.result.provenance)
    name, folder = str(subject), Path(subject)
    if name not in {*list_cards(), *SOURCES, *PANELS} and folder.is_dir():
        return _of_folder(folder)
    return _of_name(name)


def _of_name(name: str) -> _Used:
    cards = list_cards()
    if name in cards or name.endswith(".toml"):
        return _of_card(load_card(name))
    if name in SOURCES:
        return _Used((name,))
    if name in PANELS:
        return _Used(panel_sources(name), version=version("bayes-hr"))
    raise InputError(
        f"there is nothing to cite called {name!r}; {nearest(name, [*cards, *PANELS, *SOURCES])}. A card of "
        "your own is given by the path of its .toml file, a saved fit by its folder"
    )


def _of_card(card: Card) -> _Used:
    sources = () if card.panel == "simulated" else panel_sources(card.panel, **_options(card))
    engine = card.fit.engine
    if engine == "auto" and card.family in {"ratification", "treaties"}:
        # `fitting.with_engine`: the exact engine for country-years, unless it is not exact.
        student = card.outcome.likelihood == "student_t" and card.error.kind == "ar1"
        exact = not student and card.outcome.link != "logit" and not card.outcome.moving
        engine = "gibbs" if exact else "nuts"
    if engine == "auto":
        _LOG.info(
            "%s: the number of rows will choose the engine, so that only bayes_hr and ArviZ are cited as "
            "software; cite the saved fit for what it was computed with (bayes-hr data cite DIR)",
            card.id,
        )
    packages = _packages(engine, card.fit.sampler)
    return _Used(sources, card.references, packages, version("bayes-hr"))


def _options(card: Card) -> dict[str, Any]:
    return question_of(card).panel_options(card)


def _packages(engine: str, sampler: str) -> tuple[str, ...]:
    nuts = ("pymc", *(("nutpie",) if sampler == "nutpie" else ()))
    return ("arviz", *(nuts if engine == "nuts" else ()))


def _of_fit(card: Card, provenance: dict[str, Any]) -> _Used:
    engine = provenance["engine"]
    packages = _packages(str(engine["engine"]), str(engine.get("sampler", "")))
    named = provenance["panel"]["sources"]
    if gone := [source for source in named if source not in SOURCES]:
        _LOG.warning("%s: this version does not know the source(s) %s; cite them too", card.id, listed(gone))
    sources = tuple(source for source in named if source in SOURCES)
    return _Used(sources, card.references, packages, provenance["versions"]["bayes-hr"])


def _of_folder(folder: Path) -> _Used:
    """What a saved fit says; its draws are not read."""
    if not (folder / MARKER).is_file():
        raise InputError(f"{folder}: holds no fit ({MARKER} missing). Make one with bayes-hr fit CARD.")
    try:
        provenance = json.loads((folder / MARKER).read_text(encoding="utf-8"))
        spec = tomllib.loads((folder / "spec.toml").read_text(encoding="utf-8"))
        return _of_fit(parse_card(spec, where=f"{folder}/spec.toml"), provenance)
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{folder}: the saved fit is damaged ({error}). Run it again.") from error


def _software(used: _Used, which: Literal[0, 1]) -> list[str]:
    """Plain text (0) or BibTeX (1) of the packages and of bayes_hr."""
    if used.version is None:
        return []
    title = "bayes_hr: Bayesian hierarchical models for human-rights data"
    own = (
        f"The bayes_hr developers, {title}, version {used.version}",
        f"@misc{{bayes_hr,\n  author = {{{{The bayes\\_hr developers}}}},\n"
        f"  title = {{{title.translate(_TEX)}}},\n  note = {{Version {used.version}}}\n}}",
    )
    return [own[which], *(SOFTWARE[package][which] for package in used.packages)]


def _entry_of(reference: str) -> Entry:
    """The entry whose title and year stand in a reference; else one that holds its words."""
    known = [e for text in (REFERENCES, *(s.bibtex for s in SOURCES.values())) for e in entries(text)]
    said = f" {words_of(reference)} "
    for entry in known:
        title, year = words_of(entry.fields["title"]), entry.fields.get("year")
        if year is not None and f" {year} " in said and f" {title} " in said:
            return entry
    first = re.match(r"[A-Za-z]*", reference)
    key = f"{first[0].lower() if first else ''}_{hashlib.sha256(reference.encode()).hexdigest()[:8]}"
    return Entry("misc", key, {}, f"@misc{{{key},\n  note = {{{reference.translate(_TEX)}}}\n}}")
