"""NUTS on the PyMC model: nutpie by default, PyMC's own sampler on request."""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from bayes_hr.engines.assemble import assemble_posterior
from bayes_hr.engines.integrated import IntegratedDensity, supports
from bayes_hr.engines.signed import SignedDensity
from bayes_hr.errors import InputError
from bayes_hr.forms import chosen_form, integrable
from bayes_hr.walks import in_components, with_effects

if TYPE_CHECKING:
    import xarray as xr

    from bayes_hr.design import Design
    from bayes_hr.engines.settings import Progress, SamplerSettings

MAX_TREE_DEPTH: Final = 10
_STATISTICS: Final = {
    "diverging": "diverging",
    "energy": "energy",
    "tree_depth": "depth",
    "reached_max_treedepth": "maxdepth_reached",
    "n_steps": "n_steps",
    "step_size": "step_size",
    "acceptance_rate": "mean_tree_accept",
}


@dataclass
class NutsEngine:
    """A model compiled once, sampled as often as wanted with data of the same shape.

    Compilation happens at the first :meth:`sample`, not at construction.
    """

    sampler: str = "nutpie"
    form: str = "auto"
    _compiled: Any = None
    _shape: tuple[Any, ...] = ()

    def sample(
        self, design: Design, settings: SamplerSettings, progress: Progress | None = None
    ) -> xr.DataTree:
        """Draw from the posterior of a design.

        Returns
        -------
        xarray.DataTree
            Groups ``posterior`` (names, dims and coords of the contract), ``sample_stats``,
            ``observed_data`` and ``constant_data``; timings and settings in ``attrs``.

        Raises
        ------
        InputError
            If the form is not exact for this design, or the sampler cannot start.
        """
        model = in_components(design)
        form = chosen_form(model, self.form, self.sampler)
        started = time.perf_counter()
        written = supports(model) or not integrable(model)
        by_hand = self.sampler == "nutpie" and form == "integrated" and written
        if self.sampler == "nutpie":
            compiled = _hand_written(model) if by_hand else self._compile(model, form)
            compile_seconds = time.perf_counter() - started
            raw, statistics = _sample_nutpie(compiled, settings, progress)
        else:
            compile_seconds = float("nan")
            raw, statistics = _sample_pymc(model, form, settings)
        sample_seconds = time.perf_counter() - started - (compile_seconds if compile_seconds > 0 else 0.0)
        raw = with_effects(design, raw)
        tree = assemble_posterior(design, raw, statistics, seed=settings.seed, cores=settings.cores)
        tree.attrs |= {
            "engine": "nuts",
            "sampler": self.sampler,
            "form": form,
            "density": "hand-written, equal to the PyMC model" if by_hand else "PyMC model",
            "compile_seconds": compile_seconds,
            "sample_seconds": sample_seconds,
            "max_tree_depth": MAX_TREE_DEPTH,
        }
        return tree

    def _compile(self, design: Design, form: str) -> Any:
        """The compiled model with this design's data, compiled anew only if the shape changed."""
        import nutpie

        from bayes_hr.pymc_models import build_model, model_data

        shape = _shape_key(design, form)
        if self._compiled is None or shape != self._shape:
            model = build_model(design, form)
            keep = _variables_to_keep(model)
            self._compiled = nutpie.compile_pymc_model(model, var_names=keep)
            self._shape = shape
        data = {k: v for k, v in model_data(design).items() if k in _shared_names(self._compiled)}
        return self._compiled.with_data(**data)


def _hand_written(design: Design) -> Any:
    """The integrated density as nutpie takes it; compiled by numba at its first call, then kept on disk."""
    import nutpie

    density = IntegratedDensity.of(design) if supports(design) else SignedDensity.of(design)
    shown = density.expand(density.initial(0))
    density(density.initial(0))

    def expand(seed: int, seed2: int, chain: int) -> Any:
        return density.expand

    return nutpie.compiled_pyfunc.from_pyfunc(
        density.size,
        lambda: density,
        expand,
        [np.dtype(float)] * len(shown),
        [v.shape for v in shown.values()],
        list(shown),
        make_initial_point_fn=density.initial,
    )


def _shape_key(design: Design, form: str) -> tuple[Any, ...]:
    """What a compiled model has built in: everything but the arrays of ``model_data``."""
    indices = [t.index for t in design.population if t.index is not None] + [g.index for g in design.groups]
    order = design.error.order
    arrays: list[Any] = [*indices, order.unit, order.gap]
    priors = [(t.name, str([str(p) for p in t.each_prior]), str(t.sd), t.labels) for t in design.population]
    groups = [(g.name, g.terms, [str(p) for p in g.sd], str(g.corr), g.centred) for g in design.groups]
    serial, cuts = design.serial, design.error.cuts
    arrays += [cuts.walk.index] if cuts is not None and cuts.walk is not None else []
    arrays += [serial.index, serial.loading, serial.order.unit, serial.order.gap] if serial else []
    priors.append(("unit-years", str(serial.sd), str(serial.rho), []) if serial else ("", "", "", []))
    error = (design.error.kind, design.error.likelihood, str(design.error.sigma), str(design.error.rho))
    more = (str(design.error.nu), str(design.error.cuts))
    return (form, *(a.tobytes() for a in arrays), repr((priors, groups, error, more)))


def _shared_names(compiled: Any) -> set[str]:
    return {variable.name for variable in compiled.shared_var_keys}


def _variables_to_keep(model: Any) -> list[str]:
    """Deterministics of the contract and free scalars; sampler coordinates are left out."""
    free = [v.name for v in model.free_RVs if not v.name.startswith(("z_", "partial_", "coefficient"))]
    return [*free, *(v.name for v in model.deterministics)]


def _sample_nutpie(compiled: Any, settings: SamplerSettings, progress: Progress | None) -> tuple[Any, Any]:
    import nutpie

    total = settings.chains * (settings.tune + settings.draws)
    state = {"done": 0}

    def note(chains: list[Any]) -> None:
        # Called on nutpie's own thread: only remember; the caller's thread reports.
        state["done"] = sum(c.finished_draws for c in chains)

    try:
        background = nutpie.sample(
            compiled,
            draws=settings.draws,
            tune=settings.tune,
            chains=settings.chains,
            cores=min(settings.cores, settings.chains),
            seed=settings.seed,
            target_accept=settings.target_accept,
            maxdepth=MAX_TREE_DEPTH,
            save_warmup=False,
            progress_bar=False,
            progress_callback=note,
            progress_rate=200,
            blocking=False,
        )
        tree = _wait(background, state, total, progress)
    except RuntimeError as error:
        if "initial" not in str(error).lower():
            raise
        raise InputError(
            f"the sampler found no point with a finite density to start from ({error}). "
            "Check the outcome's scale and the priors of the card."
        ) from error
    stats = tree["sample_stats"].dataset
    available = {ours: stats[theirs] for ours, theirs in _STATISTICS.items() if theirs in stats}
    return tree["posterior"].dataset, available


def _wait(background: Any, state: dict[str, int], total: int, progress: Progress | None) -> Any:
    """Wait for nutpie; an interruption cancels the chains and is passed on, never a shortened posterior."""
    try:
        while True:
            try:
                tree = background.wait(timeout=0.2)
            except TimeoutError:
                if progress is not None:
                    progress(state["done"], total)
                continue
            if progress is not None:
                progress(total, total)
            return tree
    except KeyboardInterrupt:
        background.cancel()
        raise


def _sample_pymc(design: Design, form: str, settings: SamplerSettings) -> tuple[Any, Any]:
    import pymc as pm

    from bayes_hr.pymc_models import build_model

    model = build_model(design, form)
    with model, warnings.catch_warnings():
        # PyMC repeats as warnings what the verdict judges from the same numbers.
        warnings.filterwarnings("ignore", module=r"pymc\.")
        tree = pm.sample(
            draws=settings.draws,
            tune=settings.tune,
            chains=settings.chains,
            cores=min(settings.cores, settings.chains),
            random_seed=np.random.SeedSequence(settings.seed).generate_state(settings.chains).tolist(),
            nuts_sampler="pymc",
            target_accept=settings.target_accept,
            nuts={"max_treedepth": MAX_TREE_DEPTH},
            var_names=_variables_to_keep(model),
            progressbar=False,
            compute_convergence_checks=False,
        )
    stats = tree["sample_stats"].dataset
    names = dict.fromkeys(_STATISTICS) | {k: k for k in _STATISTICS}
    return tree["posterior"].dataset, {k: stats[k] for k in names if k in stats}
