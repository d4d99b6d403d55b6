"""How many leads will come in each of the next weeks, and how sure is that?

Square roots of weekly counts follow a dynamic linear model: a level that drifts, a trend, a yearly wave where
two years are known, and public holidays. How much of each there is, nobody knows; so many such models are
reckoned with at once, each by how well it foretold the weeks that are known, one after the other. With the
variance unknown too, what each foretells is a Student t distribution, so nothing is drawn at random.
M. West, J. Harrison: Bayesian Forecasting and Dynamic Models, 1997, chapters 4 and 12; the root makes the
variance of counts even (F. J. Anscombe, 1948).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product
from math import floor, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp, ndtr, ndtri

from leadlane.insight.proportions import Estimate

Numbers = NDArray[np.float64]

# With fewer weeks nothing can be said of how much weeks differ.
LEAST_WEEKS = 8
# A yearly wave is looked for when it has been seen twice.
_YEAR = 52.1775
_YEARLY_FROM = 104
# How far the level drifts in a week: its variance over that of a single week around it.
_DRIFTS = (0.0, 0.003, 0.02, 0.1, 0.5, 3.0)
# (how uncertain the trend is at first, by the variance of a week, and how much of it is left a week later):
# none, one that dies away, and one that lasts.
_TRENDS = ((0.0, 1.0), (0.05, 0.95), (0.05, 1.0))
_TREND_DRIFT = 0.0005
# (power of the share of working days, how probable that is before anything is seen): a week with half of them
# brings half of the usual leads, as mostly where companies buy from companies, or all of them.
_HOLIDAYS = ((1.0, 0.8), (0.0, 0.2))
_LEAST_SHARE = 0.05
# Cosine and sine of the year and of the half-year: how uncertain they are at first.
_WAVES = (0.0, 4.0)
_LEVEL_SPREAD = 100.0
# The variance of the root of a Poisson count is near a quarter; known as if from two weeks.
_ANSCOMBE, _PRIOR_WEEKS, _PRIOR_VARIANCE = 3 / 8, 2.0, 0.3
# What has been steady may change: so much of the weight stays as it was before anything was seen.
_OPEN = 0.1
_GRID = np.linspace(-5.0, 5.0, 31)


@dataclass(frozen=True, slots=True)
class Mixture:
    """What the models foretell of the root of a count: Student t distributions with their weights."""

    weights: Numbers
    places: Numbers
    scales: Numbers
    freedom: float

    def up_to(self, root: float | Numbers) -> Numbers:
        """The chance that it is at most this."""
        at = (np.asarray(root, dtype=np.float64)[..., None] - self.places) / self.scales
        # Student t by the normal (M. Abramowitz, I. Stegun, 1964, 26.7.8): ten times as fast.
        normal = at * (1 - 1 / (4 * self.freedom)) / np.sqrt(1 + at**2 / (2 * self.freedom))
        return np.asarray(ndtr(normal) @ self.weights)


@dataclass(frozen=True, slots=True)
class Ahead:
    """A week to come: the expected count with its 95 % prediction interval, and the 80 % one inside it.

    `expected.count` is of how many known weeks it is the continuation.
    """

    expected: Estimate
    low: float
    high: float
    _mixture: Mixture = field(repr=False, compare=False)

    def above(self, count: float) -> float:
        """The chance that more than `count` come."""
        return 1.0 if count < 0 else float(1 - self._mixture.up_to(_root(floor(count) + 0.5)))


def forecast(counts: Numbers, shares: Numbers, weeks: int) -> list[Sequence[Ahead]]:
    """The next `weeks` weeks of each series.

    counts: (series, known weeks), whole numbers, NaN before a series begins. shares: (series, known weeks and
    those to come), the share of a usual week's working time that is not a public holiday, 0 to 1. A series
    with fewer than LEAST_WEEKS known weeks gets none: it cannot be forecast.
    """
    known = ~np.isnan(counts)
    found: list[Sequence[Ahead]] = [()] * len(counts)
    ready = np.flatnonzero(known.sum(axis=1) >= LEAST_WEEKS)
    if not len(ready):
        return found
    # What is uncertain does not depend on the counts: series with the same weeks share the work.
    kinds, kind = np.unique(np.hstack([shares, known])[ready], axis=0, return_inverse=True)
    for number in range(len(kinds)):
        alike = ready[kind.reshape(-1) == number]
        for place, weeks_ahead in zip(alike, _forecast(counts[alike], shares[alike[0]], weeks), strict=True):
            found[int(place)] = weeks_ahead
    return found


def _root(count: float | Numbers) -> Numbers:
    return np.sqrt(np.asarray(count, dtype=np.float64) + _ANSCOMBE)


# ---------------------------------------------------------------- the models


@dataclass(frozen=True, slots=True)
class _Models:
    """Models of one run: `seen` (weeks, models, state) is how a week's root depends on the state.

    The state is level, trend and the yearly wave; `first` and `moves` are the variances of its parts at the
    beginning and from week to week, by that of a single week. `left` (models) is how much of a trend is left
    a week later, `prior` how probable each model is before anything is seen.
    """

    seen: Numbers
    first: Numbers
    moves: Numbers
    left: Numbers
    prior: Numbers


def _models(shares: Numbers, known: int) -> _Models:
    turns = 2 * np.pi * np.arange(len(shares)) / _YEAR
    has_year, has_holidays = known >= _YEARLY_FROM, bool(np.ptp(shares) > 0)
    each = product(
        _DRIFTS, _TRENDS, _WAVES if has_year else _WAVES[:1], _HOLIDAYS if has_holidays else _HOLIDAYS[:1]
    )
    drift, trend, left, wave, power, chance = np.array(
        [(drift, *trend, wave, *holidays) for drift, trend, wave, holidays in each]
    ).T
    waves = [of(turns * often) for often in (1, 2) for of in (np.cos, np.sin)] if has_year else []
    basis = np.stack([np.ones(len(shares)), np.zeros(len(shares)), *waves], axis=1)
    reach = np.maximum(shares, _LEAST_SHARE)[:, None] ** (power / 2)
    first = np.stack([np.full(len(wave), _LEVEL_SPREAD), trend, *[wave] * len(waves)], axis=1)
    moves = np.zeros(first.shape)
    moves[:, 0], moves[:, 1] = drift, np.where(trend > 0, _TREND_DRIFT, 0.0)
    return _Models(reach[:, :, None] * basis[:, None, :], first, moves, left, chance / chance.sum())


def _forecast(counts: Numbers, shares: Numbers, weeks: int) -> list[Sequence[Ahead]]:
    """Series that are known in the same weeks, from the first of these on."""
    begins = int(np.argmin(np.isnan(counts[0])))
    counts, shares = counts[:, begins:], shares[begins:]
    known = ~np.isnan(counts[0])
    length, n = len(known), int(known.sum())
    models = _models(shares, n)
    gains, spreads = _uncertainty(models, np.r_[known, np.zeros(weeks, dtype=bool)])
    roots = _root(np.where(known, counts, 0.0))
    middle = roots[:, known].mean(axis=1)
    state = np.zeros((len(counts), *models.first.shape))
    state[:, :, 0] = middle[:, None]
    missed = np.zeros(state.shape[:2])
    places = np.empty((weeks, *missed.shape))
    for week in range(length + weeks):
        state[:, :, 0] += state[:, :, 1]
        state[:, :, 1] *= models.left
        told = (state * models.seen[week]).sum(axis=2)
        if week >= length:
            places[week - length] = told
        elif known[week]:
            error = roots[:, week, None] - told
            missed += error**2 / spreads[week]
            state = state + gains[week] * error[:, :, None]
    freedom = _PRIOR_WEEKS + n
    total = missed + _PRIOR_WEEKS * _PRIOR_VARIANCE
    # The models' share: how probable each made what was seen, week by week.
    logs = -0.5 * np.log(spreads[:length][known]).sum(axis=0) - freedom / 2 * np.log(total)
    logs = logs + np.log(models.prior)
    weights = (1 - _OPEN) * np.exp(logs - logsumexp(logs, axis=1, keepdims=True)) + _OPEN * models.prior
    around = total / freedom
    return [
        [
            _ahead(
                Mixture(
                    weights[one], places[week, one], np.sqrt(spreads[length + week] * around[one]), freedom
                ),
                float(weights[one] @ around[one]),
                n,
            )
            for week in range(weeks)
        ]
        for one in range(len(counts))
    ]


def _uncertainty(models: _Models, known: NDArray[np.bool_]) -> tuple[Numbers, Numbers]:
    """For each week how much its error moves the state (weeks, models, state), and its variance (weeks,
    models), by that of a single week: the Kalman filter's half that does not depend on what was seen.
    """
    count, size = models.first.shape
    covariance = models.first[:, :, None] * np.eye(size)
    added = models.moves[:, :, None] * np.eye(size)
    gains, spreads = np.zeros((len(known), count, size)), np.empty((len(known), count))
    for week, is_known in enumerate(known):
        # The level goes on by the trend, of which some is left: on both sides.
        for side in (covariance, covariance.transpose(0, 2, 1)):
            side[:, 0] += side[:, 1]
            side[:, 1] *= models.left[:, None]
        covariance = covariance + added
        seen = models.seen[week]
        reach = np.einsum("mij,mj->mi", covariance, seen)
        spreads[week] = (reach * seen).sum(axis=1) + 1
        if is_known:
            gains[week] = reach / spreads[week][:, None]
            covariance = covariance - gains[week][:, :, None] * reach[:, None, :]
    return gains, spreads


def _ahead(mixture: Mixture, around: float, known: int) -> Ahead:
    # The mean square of a root is the square of its mean and its variance around that.
    square = float(mixture.weights @ np.maximum(mixture.places, 0) ** 2)
    value = max(0.0, square + around - _ANSCOMBE)
    low, low80, high80, high = _quantiles(mixture, (0.025, 0.1, 0.9, 0.975))
    return Ahead(Estimate(value, min(low, value), max(high, value), known), low80, high80, mixture)


def _quantiles(mixture: Mixture, chances: Sequence[float]) -> list[float]:
    """The least counts that are reached or stayed below with these chances."""
    middle = float((mixture.weights * mixture.places).sum())
    spread = sqrt(float((mixture.weights * (mixture.scales**2 + (mixture.places - middle) ** 2)).sum()))
    at = middle + _GRID * spread
    # On the scale of the normal distribution it is all but straight between two points of the grid.
    roots = np.interp(ndtri(chances), ndtri(np.clip(mixture.up_to(at), 1e-12, 1 - 1e-12)), at)
    # A count stands for all between half below and half above it.
    return [max(0.0, float(np.ceil(root**2 - _ANSCOMBE - 0.5))) if root > 0 else 0.0 for root in roots]
