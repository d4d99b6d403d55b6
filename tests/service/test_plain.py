"""What was kept as JSON comes back as it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from leadlane.service.plain import plain, unplain


@dataclass(frozen=True, slots=True)
class Inner:
    name: str
    drawn: Markup
    pair: tuple[str | int, float]


@dataclass(frozen=True, slots=True)
class Outer:
    at: datetime
    inner: Inner | None
    rows: Sequence[Inner]
    by: Mapping[str, float]
    more: tuple[str, ...] = ()


INNERS = st.builds(
    Inner,
    st.text(max_size=5),
    st.text(max_size=5).map(Markup),
    st.tuples(st.integers(-9, 9), st.floats(-9, 9)),
)


@given(
    st.builds(
        Outer,
        st.datetimes(timezones=st.just(UTC)),
        st.none() | INNERS,
        st.lists(INNERS, max_size=2).map(tuple),
        st.dictionaries(st.text(max_size=3), st.floats(0, 1), max_size=2),
        st.lists(st.text(max_size=3), max_size=2).map(tuple),
    )
)
def test_it_comes_back_as_it_was(value: Outer) -> None:
    stored = orjson.loads(orjson.dumps(plain(value)))
    again = unplain(Outer, stored)
    assert again == value
    assert all(isinstance(one.drawn, Markup) for one in again.rows)


def test_figures_of_numpy_become_plain_ones() -> None:
    found = unplain(Outer, plain(Outer(datetime(2026, 1, 1, tzinfo=UTC), None, (), {"a": np.float64(0.5)})))
    assert type(found.by["a"]) is float


def test_what_has_another_shape_is_no_review() -> None:
    with pytest.raises(KeyError):
        unplain(Outer, {"at": "2026-01-01T00:00:00+00:00"})
