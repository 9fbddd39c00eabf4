"""The table of small generators that chapter 8 reads: a row of it comes out again."""

import pytest

from benchmarks import generators
from rnnbook.show import results

TABLE = {row["model"]: row for row in results.rows("generators")}


def test_the_table_has_all_rows():
    assert set(generators.ROWS) <= set(TABLE)


def test_words_that_are_counted_come_out_again():
    counted, cost = generators.words_counted()
    for name, *_, validation, test in [*counted, generators.spelled(counted[1], cost)]:
        assert TABLE[name]["bits, validation"] == pytest.approx(validation, abs=1e-6)
        assert TABLE[name]["bits, test"] == pytest.approx(test, abs=1e-6)


@pytest.mark.weekly
@pytest.mark.parametrize("name", ["GRU 16", "RNN 64", "windows, GRU 32, seed 0"])
def test_a_row_comes_out_again(name):
    _, _, row = generators.computed(name)
    before = list(TABLE[name].values())
    assert row[:5] == before[:5]
    assert row[-2:] == pytest.approx(before[-2:], abs=0.02)
