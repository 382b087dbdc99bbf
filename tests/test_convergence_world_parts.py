"""How simulated histories and scores come about: against loops, and the moments that are stated.

Tolerances: sums of a handful of doubles of size 1 agree to 1e-12; moments of n units to five standard errors.
"""

import numpy as np
import pytest

from bayes_hr.data import convergence_world_parts as parts
from bayes_hr.data.convergence_world_settings import ConvergenceSettings
from bayes_hr.simulate import ScoreTruth, convergence

EXACT = 1e-12


def test_only_moving_igos_move_scores() -> None:
    one = convergence("pull", moving_igos=3, seed=6)
    without = convergence("pull", pull_during=0.0, seed=6)
    assert isinstance(one.truth, ScoreTruth)
    assert len(one.truth.moving) == 3
    inside = one.memberships["igo"].isin(one.truth.moving) & (one.memberships["code"] == 1)
    member = set(one.memberships.loc[inside, "ccode"])
    same = np.isclose(one.scores["score"], without.scores["score"], atol=EXACT)
    free = ~one.scores["ccode"].isin(member)
    assert 0 < free.sum() < len(free)
    assert same[free].all()
    first = one.memberships[inside].groupby("ccode")["year"].min()
    year = one.scores["year"] - one.scores["ccode"].map(first).fillna(9999)
    assert same[year <= 0].all()  # a pull of year t is first seen in t + 1
    assert not same[year > 5].any()


def small_history(seed: int, s: ConvergenceSettings) -> parts.History:
    return parts.draw_history(np.random.default_rng(seed), s, 20, 4, 25)


@pytest.mark.parametrize("lasting", [False, True])
def test_scores_follow_their_recursion(lasting: bool) -> None:
    """The vectorised recursion against loops over states and IGOs."""
    s = ConvergenceSettings(
        n_regions=2,
        pull_during=0.05,
        pull_before=0.03,
        pull_years=4,
        lasting=lasting,
        entry_shift=0.3,
        late_states=0.4,
    )
    h = small_history(1, s)
    rng = np.random.default_rng(2)
    level = rng.standard_normal(2)[h.region] * s.sd_region
    level = level + rng.standard_normal(20) * s.sd_level
    path = rng.standard_normal(20) * s.sd_score
    shocks = rng.standard_normal((20, 25)) * s.sd_score * np.sqrt(1 - s.score_rho**2)
    x = np.zeros((20, 25))
    x[:, 0] = level + path
    for t in range(1, 25):
        for i in range(20):
            pull, shifts = 0.0, []
            for j in range(4):
                others = [m for m in range(20) if m != i and h.member[m, j, t - 1]]
                if not others or t - 1 < h.state_birth[i]:
                    continue
                mean = np.mean([x[m, t - 1] for m in others])
                soon = t - 1 < h.entry[i, j] <= t - 1 + 4 and h.exists[j, t - 1]
                rate = 0.05 * h.member[i, j, t - 1] + 0.03 * soon
                pull += rate * (mean - (level[i] if lasting else x[i, t - 1]))
                if h.entry[i, j] == t:
                    shifts.append(mean)
            path[i] = s.score_rho * path[i] + shocks[i, t] + (0.0 if lasting else pull)
            level[i] += pull if lasting else 0.0
            level[i] += 0.3 * (np.mean(shifts) - level[i]) if shifts else 0.0
            x[i, t] = level[i] + path[i]
    found = parts.draw_scores(np.random.default_rng(2), s, h)
    assert (h.entry < 25).sum() > 15
    np.testing.assert_allclose(found[h.alive], x[h.alive], atol=EXACT)
    assert np.isnan(found[~h.alive]).all()


def test_histories_are_consistent() -> None:
    h = small_history(5, ConvergenceSettings(n_regions=2, exit_rate=0.1, re_entry=0.8, igo_deaths=0.5))
    dated = h.entry < parts.NEVER
    assert (h.entry >= h.igo_birth[None, :])[dated].all()
    assert (h.entry >= h.state_birth[:, None])[dated].all()
    assert (h.exit > h.entry)[dated].all()
    assert (h.exit == parts.NEVER)[~dated].all()
    returns = h.back < parts.NEVER
    assert returns.any()
    assert (h.back >= h.exit + 2)[returns].all()
    assert not (h.member & ~h.alive[:, None, :]).any()
    assert not (h.member & ~h.exists[None]).any()
    assert ((h.codes == 1) == h.member).all()
    assert ((h.codes == -1) == ~np.broadcast_to(h.exists[None], h.codes.shape)).all()
    first_day = (h.entry == h.igo_birth) & dated
    assert (first_day.sum(axis=0) >= 5).all()  # enough for a mean from the start
    assert ((h.entry > h.igo_birth) & dated).any()


def test_scores_are_persistent_and_stationary() -> None:
    scores = convergence(
        "independent_states", n_states=3000, n_igos=2, years=(1980, 2014), sd_level=0.0
    ).scores
    wide = scores.pivot_table(index="ccode", columns="year", values="score")
    for year in (1980, 2014):
        assert wide[year].std() == pytest.approx(0.7, rel=5 / np.sqrt(2 * 2400))
    assert wide[2000].corr(wide[1999]) == pytest.approx(0.95, abs=5 * (1 - 0.95**2) / np.sqrt(2400))
    assert wide[2000].corr(wide[1990]) == pytest.approx(0.95**10, abs=5 / np.sqrt(2400))
