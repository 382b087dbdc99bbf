"""Simulated dyad-years of realistic shape whose truth is known: the worlds of Model C.

Two kinds. In a *score world* states have persistent latent scores, and distances follow from scores and
memberships by the same builder as the real panel (:mod:`bayes_hr.data.igo_dyads`). In a *model world* the
distance is drawn from Model C itself, given the phases of such memberships::

    d_ijt = X_ijt'(beta + u_i + w_j) + v_ij + year_t + s_it + e_ijt

States and IGOs are fictional; states' numbers start at 1001, beyond those of the Correlates of War.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from bayes_hr.data import convergence_world_parts as parts
from bayes_hr.data import worlds_parts
from bayes_hr.data.convergence_world_model import draw_model_world
from bayes_hr.data.convergence_world_settings import (
    CONVERGENCE_WORLDS,
    FIRST_CCODE,
    MODEL_WORLDS,
    SIZES,
    ConvergenceSettings,
    convergence_settings,
)
from bayes_hr.data.convergence_world_truth import ModelTruth, ScoreTruth, score_truth
from bayes_hr.data.igo_dyads import ConvergenceOptions, dyad_years
from bayes_hr.data.merge import MergeReport
from bayes_hr.data.messages import nearest
from bayes_hr.data.panel import Panel
from bayes_hr.errors import InputError

__all__ = [
    "CONVERGENCE_WORLDS",
    "ConvergenceSettings",
    "ConvergenceWorld",
    "ModelTruth",
    "ScoreTruth",
    "convergence",
]

DEFAULT_SEED: Final = 20
"""Gives a default world of 3,585 rows in which all 60 states have some, and 31 of 136 dyads exit."""
_NEAR_YEARS: Final = 20
_FEW_YEARS: Final = 35
_DRAWN: Final = (
    "simulated: distances are drawn from Model C given these phases; igo_mean and gap_signed are made to fit "
    "them, and what is said above of the mechanical jump is of the scores that they replace"
)
_TYPES: Final = ("political", "social", "economic")
_STREAMS: Final = (
    "history",
    "scores",
    "measurement",
    "state",
    "igo",
    "dyad",
    "years",
    "state_years",
    "errors",
)


@dataclass(frozen=True, eq=False)
class ConvergenceWorld:
    """A simulated convergence panel and its truth.

    Attributes
    ----------
    name : str
        Id of the world.
    frame : pandas.DataFrame
        One row per state-IGO-year, the columns of the ``convergence`` panel.
    truth : ModelTruth or ScoreTruth
        What is true of it.
    memberships : pandas.DataFrame
        ``ccode, igo, year, code, igo_name, igo_type``; one row per state in the system, IGO and year.
    scores : pandas.DataFrame
        ``ccode, country, year, score, score_sd`` (``score_sd`` is 0 where scores are exact).
    merge : MergeReport
        Rows in, dropped with reasons, used.
    description : str
        A sentence.
    settings : ConvergenceSettings
        What it was made with.
    options : ConvergenceOptions
        How its dyad-years were made.
    seed : int
        Root of its random numbers.
    """

    name: str
    frame: pd.DataFrame
    truth: ModelTruth | ScoreTruth
    memberships: pd.DataFrame
    scores: pd.DataFrame
    merge: MergeReport
    description: str
    settings: ConvergenceSettings
    options: ConvergenceOptions
    seed: int

    @property
    def panel(self) -> Panel:
        """The world as a panel that a card can be fitted to; it names no source."""
        options = {**self.options.to_dict(), "score": "simulated", "origin": f"simulated world {self.name!r}"}
        return Panel("convergence", self.frame, self.merge, (), options).validate()


def convergence(
    world: str = "kink_and_reversion",
    *,
    size: str = "demo",
    n_states: int | None = None,
    n_igos: int | None = None,
    years: tuple[int, int] | None = None,
    options: ConvergenceOptions | None = None,
    seed: int = DEFAULT_SEED,
    **overrides: Any,
) -> ConvergenceWorld:
    """Simulate dyad-years with a known truth about convergence to the co-members' mean.

    The same seed gives the same world; a default one is built in 0.1 s, a real-sized one in 1 s. Worlds of
    one seed and size share states, IGOs and random numbers; memberships too where their settings are equal.

    Measured: least squares with dyad and year effects on demo-sized score worlds, per decade or in distance
    (SD .66 where nothing pulls), means over 200 worlds of one draw each (800 in rows with *)::

        world               kink at entry  kink at exit  jump at entry  jump at exit   s.e. of these means
        independent_states*     -.007          -.008         -.004          +.005      .004 .006 .003 .006
        global_compression*     -.002          -.007         -.005          +.007      .004 .007 .003 .007
        global_fanning          -.014          -.008         -.003          -.005      .009 .016 .007 .015
        inclusive_mean*         +.004          -.015         -.071          +.079      .004 .007 .003 .006
        pull                    -.039          +.077         -.111          +.017      .008 .011 .006 .010
        reversion               -.065          +.105         -.097          +.006      .008 .005 .006 .005
        instrumental            +.092          +.083         -.036          +.025      .007 .005 .005 .004
        intrinsic               -.055          +.062         -.070          -.007      .009 .006 .007 .005
        entry_shift             +.003          +.003         -.176          -.003      .008 .013 .007 .012

    The inclusive mean's jump is -.067 by ``truth.mechanical_jump``. Without year effects the slope during
    membership is -.199 (compression) and +.190 (fanning), without any convergence. A pull's first years look
    like a jump to a straight line, though nothing happens at k = 0; over 69 years (``size="standard"``) they
    do so altogether (kink +.004, s.e. .005; -.047, s.e. .011, with ``window=(20, 20)``). After lasting pulls
    (``intrinsic``) leavers stay put, but the slope after exit less that of the year effects is +.029, s.e.
    .008, as everybody else goes on converging.

    Parameters
    ----------
    world : str
        One of :data:`CONVERGENCE_WORLDS`.
    size : str
        ``"demo"`` (60 states, 8 IGOs, 1980-2014), ``"standard"`` (120, 24, 1946-2014) or ``"real"`` (170, 60,
        1946-2014); the next three replace its parts.
    n_states, n_igos : int, optional
        Number of states (at least 10 per region) and of IGOs (at least 2).
    years : tuple of int, optional
        First and last year, at least 15 years.
    options : ConvergenceOptions, optional
        How dyad-years are made; default: leave-one-out mean (``inclusive_mean``: the inclusive one).
    seed : int
        Root of the random numbers, 0 or more.
    **overrides
        Settings to replace; see :class:`ConvergenceSettings`.

    Returns
    -------
    ConvergenceWorld

    Raises
    ------
    InputError
        If the world, size or a setting is unknown (names the nearest), a setting does nothing in this world,
        or a value is impossible.
    """
    settings = convergence_settings(world, overrides)
    n, J, calendar = _shape(settings, size, (n_states, n_igos, years), seed)
    spawned = np.random.SeedSequence(seed).spawn(len(_STREAMS))
    rng = {name: np.random.default_rng(s) for name, s in zip(_STREAMS, spawned, strict=True)}
    history = parts.draw_history(rng["history"], settings, n, J, calendar.size)
    parts.check_pull(settings, history)
    memberships = _memberships(history, calendar)
    scores = _scores(rng, settings, history, calendar)
    chosen = options or ConvergenceOptions(mean="inclusive" if world == "inclusive_mean" else "leave_one_out")
    births = dict(zip(_igo_codes(J), (calendar[0] + history.igo_birth).tolist(), strict=True))
    frame, merge = dyad_years(memberships, scores, chosen, births=births)
    truth: ModelTruth | ScoreTruth
    if world in MODEL_WORLDS:
        merge = merge.with_notes(_DRAWN)
        frame, truth = draw_model_world(rng, settings, frame, n=n, igos=_igo_codes(J), calendar=calendar)
    else:
        truth = score_truth(
            settings,
            frame,
            inclusive=chosen.mean == "inclusive",
            near=_is_near(chosen.window, calendar.size),
            spread=pd.Series(parts.world_spread(settings, calendar.size), pd.Index(calendar, name="year")),
            moving=tuple(np.array(_igo_codes(J))[parts.moving_igos(settings, J)].tolist()),
        )
    return ConvergenceWorld(
        world, frame, truth, memberships, scores, merge, CONVERGENCE_WORLDS[world], settings, chosen, seed
    )


def _shape(
    settings: ConvergenceSettings,
    size: str,
    given: tuple[int | None, int | None, tuple[int, int] | None],
    seed: int,
) -> tuple[int, int, np.ndarray]:
    """Number of states and of IGOs, and the years."""
    if size not in SIZES:
        raise InputError(f"simulated world: unknown size {size!r}; {nearest(str(size), SIZES)}")
    n_states, n_igos, years = given
    n, J, span = SIZES[size]
    n, J, span = n if n_states is None else n_states, J if n_igos is None else n_igos, years or span
    for name, value, least in (("n_states", n, 10 * settings.n_regions), ("n_igos", J, 2), ("seed", seed, 0)):
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise InputError(
                f"simulated world: {name} = {value!r} must be a whole number of at least {least}"
            )
    valid = isinstance(span, tuple | list) and len(span) == 2 and all(isinstance(v, int) for v in span)
    if not valid or span[1] - span[0] + 1 < 15:
        raise InputError(f"simulated world: years = {span!r} must be (first, last) of at least 15 years")
    return n, J, np.arange(span[0], span[1] + 1)


def _is_near(window: tuple[int, int] | None, n_years: int) -> bool:
    """Whether rows are near entry and exit: by choice, or as the years are few."""
    return n_years <= _FEW_YEARS if window is None else max(window) <= _NEAR_YEARS


def _igo_codes(J: int) -> list[str]:
    return [f"SIM{j + 1:02d}" for j in range(J)]


def _memberships(history: parts.History, calendar: np.ndarray) -> pd.DataFrame:
    """One row per state in the system, IGO and year."""
    J = history.igo_birth.size
    kind = np.where(history.igo_region == parts.UNIVERSAL, "Universal", "Regional")
    names = np.array([f"{k} Organisation {j + 1:02d}" for j, k in enumerate(kind)], dtype=object)
    types = np.array([_TYPES[j % len(_TYPES)] for j in range(J)], dtype=object)
    present = np.broadcast_to(history.alive[:, None, :], history.codes.shape)
    state, igo, time = np.nonzero(present)
    frame = pd.DataFrame(
        {
            "ccode": state + FIRST_CCODE,
            "igo": np.array(_igo_codes(J), dtype=object)[igo],
            "year": calendar[time],
            "code": history.codes[state, igo, time],
            "igo_name": names[igo],
            "igo_type": types[igo],
        }
    )
    return frame.astype({"igo": "str", "igo_name": "str", "igo_type": "str"})


def _scores(
    rng: dict[str, np.random.Generator],
    settings: ConvergenceSettings,
    history: parts.History,
    calendar: np.ndarray,
) -> pd.DataFrame:
    """Scores of the states in the system, with measurement error if there is any."""
    theta = parts.draw_scores(rng["scores"], settings, history)
    sd = np.zeros_like(theta)
    if settings.measurement_sd > 0:
        sd = worlds_parts.measurement_sds(rng["measurement"], sd.shape, settings.measurement_sd)
        n, T = sd.shape
        unit = parts.state_year_effects(rng["measurement"], n, T, 1.0, settings.measurement_rho)
        theta = theta + sd * unit
    state, time = np.nonzero(history.alive)
    frame = pd.DataFrame(
        {
            "ccode": state + FIRST_CCODE,
            "country": np.array([f"State {i + 1:03d}" for i in range(len(theta))], dtype=object)[state],
            "year": calendar[time],
            "score": theta[state, time],
            "score_sd": sd[state, time],
        }
    )
    return frame.astype({"country": "str"})
