"""The benchmarks' tables, as chapters read them."""

import pytest

from rnnbook.show import results


def test_a_table_comes_row_by_row():
    rows = results.rows("gates")
    assert len(rows) == 20
    assert {row["task"] for row in rows} == {"recall", "copying", "adding", "counting"}


def test_a_name_that_is_none_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match=r"got 'gate' \(one of .*equal_sizes, gates"):
        results.rows("gate")
