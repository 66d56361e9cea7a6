"""What two documents say differently."""

import pytest

from dialograum.differences import differences


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": 2}, [("a", 1, 2)]),
        ({"a": 1}, {"b": 2}, [("a", 1, None), ("b", None, 2)]),
        ({"a": {"b": 1}}, {}, [("a.b", 1, None)]),
        ({"a": [1]}, {"a": [1, 2]}, [("a", [1], [1, 2])]),
        ({"a": [{"key": "x", "n": 1}]}, {"a": [{"key": "y"}, {"key": "x", "n": 2}]},
         [("a.x.n", 1, 2), ("a.y", None, {"key": "y"})]),
        ({"a": [{"n": 1}]}, {"a": []}, [("a", [{"n": 1}], [])]),
        ({"a": [{"n": 1}]}, {"a": [{"n": 2}]}, [("a.1.n", 1, 2)]),
        ({"a": [1]}, {"a": {"b": 1}}, [("a", [1], {"b": 1})]),
    ],
)  # fmt: skip
def test_every_value_that_differs_is_named_by_its_path(before, after, found):
    assert [tuple(one) for one in differences(before, after)] == found
