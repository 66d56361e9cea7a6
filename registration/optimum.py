"""The best choice of columns, each in or out, by several aims of which an earlier one always goes before a later one.

The aims are stages: HiGHS, as SciPy brings it, finds the optimum of each in whole numbers, and that value then binds
the later stages as a constraint. Thus no weights have to be far enough apart, and every stage is exact.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from math import ceil, inf, isfinite
from time import monotonic
from typing import Any

CORES = (500, 2_000, 8_000)
"""How many columns beyond those of the solution in fractions are tried before all are."""

PRESOLVED = 12_000
"""With more columns HiGHS's presolve takes longer than it saves, and does not keep to the time limit (1.12)."""

INFEASIBLE = 2
"""SciPy's status where no choice of the columns keeps the rows."""


@dataclass(frozen=True)
class Row:
    """A constraint: the sum of the weights of the columns that are in lies between the limits."""

    columns: Sequence[int]
    weights: Sequence[int]
    least: float
    most: float

    def holds(self, chosen: Collection[int]) -> bool:
        pairs = zip(self.columns, self.weights, strict=True)
        return self.least <= sum(weight for column, weight in pairs if column in chosen) <= self.most


@dataclass(frozen=True)
class Objective:
    """A sum of weights, to be made small; never below zero."""

    weights: Mapping[int, int]
    constant: int = 0

    def value(self, chosen: Iterable[int]) -> int:
        return self.constant + sum(self.weights.get(column, 0) for column in chosen)


Complete = Callable[[Iterable[int]], frozenset[int]]
"""Gives a choice the columns that follow from the others."""


@dataclass(frozen=True)
class _Found:
    """Something better, if there is; the bound that is proved; the columns that solutions as good as this can have."""

    chosen: frozenset[int] | None
    bound: int
    columns: Sequence[int]


def best(
    width: int,
    rows: Sequence[Row],
    objectives: Sequence[Objective],
    starts: Iterable[frozenset[int]],
    complete: Complete,
    seconds: float,
) -> tuple[frozenset[int], list[int]]:
    """The best choice among `width` columns, and for each objective a value below which nothing can be.

    `starts` are choices that keep the rows; the best of them is only left for something better. Where time is up, the
    bound of an objective stays below its value. One stage takes at most half of the time that is left.
    """
    ends = monotonic() + seconds

    def values(chosen: frozenset[int]) -> list[int]:
        return [objective.value(chosen) for objective in objectives]

    chosen = min(starts, key=values)
    rows, bounds = list(rows), list[int]()
    columns: Sequence[int] = range(width)
    for number, objective in enumerate(objectives, 1):
        value, bound, left = objective.value(chosen), 0, ends - monotonic()
        if value > 0 and left > 0:
            until = ends if number == len(objectives) else ends - left / 2
            found = _found(columns, rows, objective, value, complete, until)
            bound, columns = found.bound, found.columns
            if found.chosen is not None:
                chosen = found.chosen
                value = objective.value(chosen)
        bounds.append(min(bound, value))
        weights = {column: weight for column, weight in objective.weights.items() if weight}
        rows.append(Row(tuple(weights), tuple(weights.values()), -inf, value - objective.constant))
    return chosen, bounds


def _found(
    columns: Sequence[int],
    rows: Sequence[Row],
    objective: Objective,
    value: int,
    complete: Complete,
    until: float,
) -> _Found:
    """A choice whose value is smaller than `value`, if `columns`, which are all that is left to decide, make one.

    First in fractions: that gives a bound, and for each column by how much every choice with it is above the bound.
    Then in whole numbers with the most promising columns alone. As soon as no column that was left out can be in
    anything better, the optimum of those is the optimum of all; until then it is tried with more of them.
    """
    if not columns:
        return _Found(None, value, columns)
    # Processes that only answer requests are spared the second and the 50 MB that these imports take.
    import numpy as np
    from scipy.optimize import Bounds, LinearConstraint, linprog, milp
    from scipy.sparse import vstack

    matrix, least, most = _matrix(rows, columns)
    weights = np.array([objective.weights.get(column, 0) for column in columns], dtype=float)

    def whole(bound: float) -> int:
        return objective.constant + ceil(bound - _tolerance(bound))

    def checked(solution: Any) -> frozenset[int] | None:
        """The choice that these floating point numbers mean, if it keeps the rows and is better."""
        if solution is None:
            return None
        found = complete(columns[at] for at in np.flatnonzero(solution > 0.5).tolist())
        return found if objective.value(found) < value and all(row.holds(found) for row in rows) else None

    equal, above = least == most, (least != most) & (least > 0)
    fractions = linprog(
        weights,
        vstack([matrix[~equal], -matrix[above]]),
        np.concatenate([most[~equal], -least[above]]),
        matrix[equal],
        most[equal],
        bounds=(0, 1),
        method="highs-ds",
        options={"time_limit": max(0.0, until - monotonic())},
    )
    if fractions.status != 0:
        return _Found(None, 0, columns)
    bound, excess = whole(fractions.fun), fractions.lower.marginals
    chosen = checked(fractions.x)
    if chosen is not None:
        value = objective.value(chosen)
    used = fractions.x > 1e-9
    promising = np.lexsort((excess, ~used))
    for size in (*(int(used.sum()) + more for more in CORES), len(columns)):
        left = until - monotonic()
        if value <= bound or left <= 0:
            break
        core, rest = promising[:size], promising[size:]
        most_of_each = np.zeros(len(columns))
        most_of_each[core] = 1
        result = milp(
            weights,
            integrality=np.ones(len(columns)),
            bounds=Bounds(0, most_of_each),
            constraints=LinearConstraint(matrix, least, most),
            options={
                "time_limit": left / 2 if rest.size else left,
                "mip_rel_gap": 0,
                "presolve": len(core) <= PRESOLVED,
            },
        )
        better = checked(result.x)
        if better is not None:
            chosen, value = better, objective.value(better)
        bounds = [value]
        if rest.size:
            bounds.append(whole(fractions.fun + excess[rest].min()))
        if result.status != INFEASIBLE:
            proved = result.mip_dual_bound
            bounds.append(bound if proved is None or not isfinite(proved) else whole(proved))
        bound = max(bound, min(bounds))
        if not rest.size:
            break
    reach = value - objective.constant - fractions.fun
    within = np.flatnonzero(excess <= reach + _tolerance(fractions.fun))
    return _Found(chosen, bound, [columns[at] for at in within.tolist()])


def _tolerance(value: float) -> float:
    """What floating point may have added to a sum of whole numbers."""
    return 0.01 + 1e-9 * abs(value)


def _matrix(rows: Sequence[Row], columns: Sequence[int]) -> tuple[Any, Any, Any]:
    """The rows that these columns can break, and their limits."""
    import numpy as np
    from scipy.sparse import csr_array

    place = {column: at for at, column in enumerate(columns)}
    weights: list[int] = []
    places: list[int] = []
    starts, least, most = [0], list[float](), list[float]()
    for row in rows:
        pairs = zip(row.columns, row.weights, strict=True)
        there = [(place[column], weight) for column, weight in pairs if column in place]
        highest = sum(weight for _, weight in there if weight > 0)
        lowest = sum(weight for _, weight in there if weight < 0)
        if row.least <= lowest and highest <= row.most:
            continue
        places += [at for at, _ in there]
        weights += [weight for _, weight in there]
        starts.append(len(places))
        least.append(row.least)
        most.append(row.most)
    matrix = csr_array(
        (np.array(weights, dtype=float), np.array(places, dtype=np.int32), np.array(starts, dtype=np.int32)),
        shape=(len(least), len(columns)),
    )
    return matrix, np.array(least), np.array(most)


def solver() -> str:
    """What computed, with its version."""
    return f"HiGHS in SciPy {version('scipy')}"
