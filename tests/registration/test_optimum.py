"""The optimum in stages, against all choices there are."""

from itertools import product
from math import inf
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registration import optimum
from registration.optimum import Objective, Row, best

COLUMNS = 7


@st.composite
def problems(draw):
    """Rows that the choice of nothing keeps, and objectives that are never below zero."""
    rows = [
        Row(columns, [draw(st.integers(1, 4)) for _ in columns], 0, draw(st.integers(0, 8)))
        for columns in draw(
            st.lists(st.sets(st.integers(0, COLUMNS - 1), min_size=2).map(sorted), max_size=5)
        )
    ]
    lists = st.lists(st.integers(-9, 9), min_size=COLUMNS, max_size=COLUMNS)
    objectives = [
        Objective(dict(enumerate(weights)), -sum(weight for weight in weights if weight < 0))
        for weights in draw(st.lists(lists, min_size=1, max_size=3))
    ]
    return rows, objectives


@settings(max_examples=40, deadline=None)
@given(problems(), st.sampled_from([optimum.CORES, (0, 1), ()]))
def test_no_other_choice_is_better(problem, cores):
    rows, objectives = problem
    with patch.object(optimum, "CORES", cores):
        chosen, bounds = best(COLUMNS, rows, objectives, [frozenset()], frozenset, 20)
    choices = [
        frozenset(at for at in range(COLUMNS) if choice[at])
        for choice in product((False, True), repeat=COLUMNS)
    ]
    allowed = [choice for choice in choices if all(row.holds(choice) for row in rows)]
    values = [objective.value(chosen) for objective in objectives]
    assert chosen in allowed
    assert (
        values == min([objective.value(choice) for objective in objectives] for choice in allowed) == bounds
    )


def test_a_start_is_kept_where_nothing_is_better():
    either = Row((0, 1), (1, 1), 1, 1)
    alike = Objective({0: 5, 1: 5})
    for start in (frozenset({0}), frozenset({1})):
        assert best(2, [either], [alike], [start], frozenset, 20) == (start, [5])


def test_without_time_the_best_start_is_the_answer_and_nothing_is_proved():
    objective = Objective({0: 3, 1: 2})
    starts = [frozenset({0}), frozenset({1})]
    assert best(2, [Row((0, 1), (1, 1), 1, 2)], [objective], starts, frozenset, 0) == (frozenset({1}), [0])


@pytest.mark.parametrize(
    ("chosen", "holds"), [((), True), ((0,), True), ((1,), False), ((0, 1), False), ((0, 2), True)]
)
def test_a_row_holds_up_to_its_limit(chosen, holds):
    assert Row((0, 1), (2, 3), -inf, 2).holds(frozenset(chosen)) is holds
