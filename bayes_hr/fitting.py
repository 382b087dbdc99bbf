"""Card + panel -> FitResult: the draws, the card with its defaults, and where everything came from.

A :class:`FitResult` is data only.  A fit is not run again unless its card, data, engine or version
changed, and :func:`changes` says which.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import os
import platform
import tomllib
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bayes_hr.cards import Card, parse_card
from bayes_hr.constants import SCHEMA_VERSION
from bayes_hr.data.merge import MergeReport
from bayes_hr.design import Design, rank_deficient
from bayes_hr.design_io import from_dataset
from bayes_hr.engines.settings import SamplerSettings
from bayes_hr.errors import InputError

if TYPE_CHECKING:
    import xarray as xr

    from bayes_hr.data.panel import Panel
    from bayes_hr.engines.settings import Engine, Progress

_LOG = logging.getLogger(__name__)

_PACKAGES: Final = ("bayes-hr", "pymc", "nutpie", "pytensor", "arviz", "numpy", "xarray", "pandas")
_NOT_MODEL: Final = (
    "question", "references", "caution", "in_the_style_of", "sources", "rope", "thresholds", "estimands",
    "verdict", "id",
)  # fmt: skip


@dataclass(frozen=True)
class FitResult:
    """A finished fit.

    Attributes
    ----------
    tree
        DataTree with groups ``posterior``, ``sample_stats``, ``observed_data``, ``constant_data``.
    card
        The card with every default.
    provenance
        JSON types only: signature, versions, settings, timings, panel, merge report, scales, rank.
    """

    tree: xr.DataTree
    card: Card
    provenance: dict[str, Any]


def resolved_card(card: Card, **overrides: Any) -> Card:
    """The card with settings of this call; ``None`` leaves the card's own.

    Raises
    ------
    InputError
        If a setting is out of range.
    """
    return card.replace(fit={k: v for k, v in overrides.items() if v is not None})


def with_engine(card: Card, design: Design) -> Card:
    """The card with the engine that fits this design in place of ``auto``.

    ``auto`` is the exact engine for country-years (NUTS where it is not exact, and the log says why), and
    for crossed designs that are too large for NUTS; a
    small crossed design mixes better under NUTS on the density with all its effects integrated out.

    Raises
    ------
    InputError
        If the exact engine is asked for where it is not exact.
    """
    from bayes_hr.engines.gibbs import refusal
    from bayes_hr.forms import one_group

    why = refusal(design)
    if design.repeats is not None and card.fit.engine == "nuts":
        raise InputError(
            f'card {card.id}: engine "nuts" evaluates every row, and the panel holds compressed rows. Use '
            'engine = "gibbs" or "auto".'
        )
    if card.fit.engine == "auto":
        exact = why is None and (one_group(design) or design.n > MAX_NUTS_ROWS)
        if why is not None and one_group(design):
            _LOG.info("%s: NUTS in place of the exact engine: %s", card.id, why)
        return card.replace(fit={"engine": "gibbs" if exact else "nuts"})
    if card.fit.engine == "gibbs" and why is not None:
        raise InputError(
            f'card {card.id}: engine "gibbs" cannot fit it: {why}. Use engine = "nuts" or "auto".'
        )
    return card


def signature(card: Card, panel: Panel) -> dict[str, str]:
    """What decides whether a fit must be run again, by part."""
    model = {k: v for k, v in card.model_dump(mode="json").items() if k not in {*_NOT_MODEL, "fit"}}
    fit = card.fit.model_dump(mode="json")

    def digest(value: Any) -> str:
        return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()

    return {
        "card": digest(model),
        "data": panel.digest(),
        "engine": digest(fit),
        "version": version("bayes-hr"),
    }


def changes(old: dict[str, str], new: dict[str, str]) -> list[str]:
    """Parts of the signature that differ: ``card``, ``data``, ``engine``, ``version``."""
    return [part for part in new if old.get(part) != new[part]]


def run(
    card: Card,
    panel: Panel,
    design: Design,
    *,
    progress: Progress | None = None,
    engine: Engine | None = None,
    folder: Path | None = None,
    cores: int | None = None,
) -> FitResult:
    """Fit a card to a panel.

    Parameters
    ----------
    card
        Its engine may be ``auto``.
    panel
        Rows.
    design
        The design that the card's family makes of both.
    progress
        Called with draws done and in all.
    engine
        An engine to reuse, so that a compiled model serves again.
    folder
        Where the exact engine saves chains on the way: an interrupted fit of the same card, data, engine and
        version goes on from there.
    cores
        Processes for the chains; None takes as many as there are, up to one for each chain.

    Raises
    ------
    InputError
        Anything wrong with card or data, before any sampling.
    """
    if folder is not None:
        text = json.dumps(signature(card, panel), sort_keys=True)
        folder = folder / hashlib.sha256(text.encode()).hexdigest()[:16]
    if engine is None:
        card = with_engine(card, design)
        engine = engine_of(card, design, folder)
    settings = settings_of(card)
    tree = engine.sample(design, replace(settings, cores=cores or settings.cores), progress)
    tree.attrs |= {"card": card.id, **design.attrs}
    return FitResult(tree, card, _provenance(card, panel, design, tree))


def engine_of(card: Card, design: Design, folder: Path | None = None) -> Engine:
    """The engine of a card for a design."""
    if with_engine(card, design).fit.engine == "gibbs":
        from bayes_hr.engines.gibbs import GibbsEngine

        return GibbsEngine(folder)
    from bayes_hr.engines.nuts import NutsEngine

    return NutsEngine(card.fit.sampler, card.fit.form)


def settings_of(card: Card) -> SamplerSettings:
    """A card's settings for the engine; as many cores as there are, up to one for each chain."""
    fit = card.fit
    return SamplerSettings(
        sampler=fit.sampler,
        form=fit.form,
        chains=fit.chains,
        draws=fit.draws,
        tune=fit.tune,
        seed=fit.seed,
        target_accept=fit.target_accept,
        cores=min(fit.chains, usable_cores()),
    )


def usable_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


MAX_NUTS_ROWS: Final = 50_000
"""Rows above which NUTS is not begun: every gradient reads every row, thousands of times."""


def check_size(card: Card, design: Design) -> None:
    """Refuse a design that NUTS would need hours for, before it begins.

    Raises
    ------
    InputError
        With an estimate of the time, and what would do.
    """
    if design.n <= MAX_NUTS_ROWS:
        return
    if with_engine(card, design).fit.engine == "gibbs":
        _check_row_cost(card, design)
        return
    # Measured: about 0.2 microseconds a row and gradient on each of two cores, some 30 gradients a draw.
    hours = 0.2e-6 * design.n * 30 * card.fit.chains * (card.fit.draws + card.fit.tune) / 2 / 3600
    raise InputError(
        f"card {card.id}: {design.n:,} rows are too many for NUTS (limit {MAX_NUTS_ROWS:,}; at best "
        f"{max(hours, 1):,.0f} hours here). Take a model that the exact engine fits "
        '(Gaussian errors, engine = "auto"), or fewer rows: fewer years in `where`, or fewer units.'
    )


def _check_row_cost(card: Card, design: Design) -> None:
    """Refuse very many rows of a family whose every draw reads them all, under the exact engine."""
    error = design.error
    if error.nu is None and error.cuts is None and error.measurement_sd is None:
        return
    # Measured: 1.4 microseconds a row and draw on one core (Student-t, CAT panel).
    hours = 1.4e-6 * design.n * card.fit.chains * (card.fit.draws + card.fit.tune) / 2 / 3600
    raise InputError(
        f"card {card.id}: {design.n:,} rows are too many for {design.error.likelihood} outcomes, each draw "
        f"of which reads every row (limit {MAX_NUTS_ROWS:,}; about {hours:,.1f} hours and much memory here). "
        'Take outcome.likelihood = "gaussian", or fewer rows: fewer years in `where`, or fewer units.'
    )


def bytes_of_draws(card: Card, design: Design) -> int:
    """Bytes that the draws of the coefficients take on disk; a saved fit is somewhat larger."""
    numbers = sum(t.size for t in design.population) + sum(
        len(g.levels) * len(g.terms) for g in design.groups
    )
    return 8 * card.fit.chains * card.fit.draws * numbers


def _provenance(card: Card, panel: Panel, design: Design, tree: xr.DataTree) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "signature": signature(card, panel),
        "versions": {**{p: version(p) for p in _PACKAGES}, "python": platform.python_version()},
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "engine": {k: tree.attrs[k] for k in ("engine", "sampler", "form", "density") if k in tree.attrs},
        "seconds": {
            k: tree.attrs[f"{k}_seconds"]
            for k in ("compile", "prepare", "sample")
            if f"{k}_seconds" in tree.attrs
        },
        "panel": {"name": panel.name, "options": panel.options, "sources": list(panel.sources)},
        "merge": design.merge.to_dict(),
        "unit": design.unit,
        "centre": design.centre,
        "standardised": {k: list(v) for k, v in design.standardised.items()},
        "rank_deficient": list(rank_deficient(design)),
    }


def design_of(result: FitResult) -> Design:
    """The design of a fit, also of one that was loaded."""
    return from_dataset(
        result.tree["constant_data"].dataset,
        result.tree["observed_data"].dataset["y"].values,
        MergeReport.from_dict(result.provenance["merge"]),
    )


def write(result: FitResult, folder: Path) -> None:
    """Write ``fit.nc``, ``spec.toml`` and ``provenance.json`` into a folder that exists."""
    # By way of memory: on a full disk HDF5 cannot close its file and takes the process down as it ends.
    content = io.BytesIO()
    result.tree.to_netcdf(content, engine="h5netcdf")
    (folder / "fit.nc").write_bytes(content.getvalue())
    (folder / "spec.toml").write_text(result.card.to_toml(), encoding="utf-8")
    text = json.dumps(result.provenance, indent=2, allow_nan=True)
    (folder / "provenance.json").write_text(text + "\n", encoding="utf-8")


def read(folder: str | Path) -> FitResult:
    """Read what :func:`write` wrote.

    Raises
    ------
    InputError
        If the folder holds no fit, or a file in it is damaged.
    """
    import xarray as xr

    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder}: there is no such folder. Make a fit with bayes-hr fit CARD.")
    missing = [n for n in ("fit.nc", "spec.toml", "provenance.json") if not (folder / n).is_file()]
    if missing:
        raise InputError(
            f"{folder}: holds no fit ({', '.join(missing)} missing). Make one with bayes-hr fit CARD."
        )
    try:
        tree = xr.load_datatree(folder / "fit.nc", engine="h5netcdf")
        provenance = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))
        spec = tomllib.loads((folder / "spec.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{folder}: the saved fit is damaged ({error}). Run it again.") from error
    return FitResult(tree, parse_card(spec, where=f"{folder}/spec.toml"), provenance)
