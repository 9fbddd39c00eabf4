"""The tasks: each is what it says, and its answer is known."""

import numpy as np
import pytest

from rnnbook.data import tasks


def test_delayed_recall_asks_for_the_symbol_that_it_showed():
    B, T, V = 300, 6, 4
    x, y = tasks.delayed_recall(B, T, V, seed=0)
    assert x.shape == (B, T, V + 1)
    assert (x[:, 0].argmax(1) == y[:, -1]).all()
    assert set(y[:, -1].tolist()) == {1, 2, 3, 4}
    assert (y[:, :-1] == 0).all()
    # One-hot, then T - 2 blanks, then the question: a vector of ones, at the very last step.
    assert (x[:, 0].sum(1) == 1).all()
    blank, question = [1] + V * [0], (V + 1) * [1]
    assert x[:, 1:].tolist() == B * [(T - 2) * [blank] + [question]]


def test_running_total_is_a_sum_modulo_v():
    x, y = tasks.running_total(50, 7, 5, seed=0)
    digits = x.argmax(2)
    assert (x.sum(2) == 1).all()
    for b in range(50):
        assert [int(digits[b, : t + 1].sum()) % 5 for t in range(7)] == y[b].tolist()


def test_echoes_repeat_as_often_as_said():
    s = tasks.echoes(40_000, 4, 5, 0.85, seed=0)
    assert set(s.tolist()) == {0, 1, 2, 3}
    # 0.85 copied, and a quarter of the rest by luck; four standard errors are 0.0064.
    assert abs((s[5:] == s[:-5]).mean() - (0.85 + 0.15 / 4)) < 0.0064
    assert abs((s[1:] == s[:-1]).mean() - 1 / 4) < 0.02


def test_copying_wants_the_symbols_again_in_their_order():
    B, lag, K, V = 200, 30, 10, 8
    x, y = tasks.copying(B, K, V, lag, seed=0)
    T = lag + 2 * K
    assert x.shape == (B, T, V + 2)
    assert (x.sum(2) == 1).all()
    ids = x.argmax(2)
    assert (y[:, -K:] == ids[:, :K]).all()
    assert (y[:, :-K] == 0).all()
    # Symbols, blanks, one delimiter just before the answer begins, blanks.
    assert set(ids[:, :K].ravel().tolist()) == set(range(1, V + 1))
    rest = np.zeros(T - K)
    rest[lag - 1] = V + 1
    assert (ids[:, K:] == rest).all()
    assert T - (K + lag - 1) - 1 == K


def test_copying_draws_all_symbols_equally_often():
    x, _ = tasks.copying(5000, 4, 5, 1, seed=0)
    share = x[:, :4, 1:6].mean(axis=0)  # place by symbol
    # Four standard errors of a share of 1/5 among 5,000.
    assert abs(share - 1 / 5).max() < 4 * (0.2 * 0.8 / 5000) ** 0.5


def test_adding_is_the_sum_of_the_two_marked_numbers():
    B, T = 400, 7
    x, y = tasks.adding(B, T, seed=0)
    assert (x.dtype, y.dtype, y.shape) == (np.float32, np.float32, (B,))
    assert x[..., 0].min() >= 0
    assert x[..., 0].max() < 1
    for b in range(B):
        first, second = np.flatnonzero(x[b, :, 1])
        assert first < T // 2 <= second
        assert abs(float(x[b, first, 0]) + float(x[b, second, 0]) - y[b]) < 1e-6
    assert set(np.argwhere(x[..., 1])[:, 1].tolist()) == set(range(T))
    assert set(np.unique(x[..., 1]).tolist()) == {0, 1}


def test_the_baseline_of_adding_is_one_sixth():
    _, y = tasks.adding(40_000, 10, seed=0)
    # The squared error has mean 1/6 and variance 7/180; four standard errors are 0.004.
    assert abs(((y - 1) ** 2).mean() - 1 / 6) < 0.004
    assert abs(y.mean() - 1) < 0.01


def test_counting_is_a_language_of_which_the_second_half_is_certain():
    x, y, mask = tasks.counting(300, 2, 6, seed=0)
    assert x.shape == (300, 13, 3)
    seen = set()
    for b in range(300):
        n = (mask[b].sum() - 1) // 2
        seen.add(int(n))
        steps = 2 * n + 1
        assert mask[b].tolist() == [True] * steps + [False] * (13 - steps)
        assert x[b, :steps].argmax(1).tolist() == [0] + [1] * n + [2] * n
        assert (x[b, :steps].sum(1) == 1).all()
        assert (x[b, steps:] == 0).all()
        assert y[b, :steps].tolist() == [1] * n + [2] * n + [0]
    assert seen == {2, 3, 4, 5, 6}


def test_counting_with_one_length_has_no_padding():
    x, y, mask = tasks.counting(5, 3, 3, seed=0)
    assert mask.all()
    assert x.argmax(2).tolist() == [[0, 1, 1, 1, 2, 2, 2]] * 5
    assert y.tolist() == [[1, 1, 1, 2, 2, 2, 0]] * 5


DRAWS = {
    "delayed_recall": lambda **seed: tasks.delayed_recall(20, 5, 3, **seed)[0],
    "running_total": lambda **seed: tasks.running_total(20, 5, 3, **seed)[0],
    "echoes": lambda **seed: tasks.echoes(100, 3, 2, 0.5, **seed),
    "copying": lambda **seed: tasks.copying(20, 4, 3, 5, **seed)[0],
    "adding": lambda **seed: tasks.adding(20, 5, **seed)[0],
    "counting": lambda **seed: tasks.counting(20, 1, 9, **seed)[0],
}


@pytest.mark.parametrize("task", DRAWS)
def test_the_seed_decides_and_is_0(task):
    draw = DRAWS[task]
    assert (draw(seed=1) == draw(seed=np.int64(1))).all()
    assert (draw(seed=1) != draw(seed=2)).any()
    assert (draw() == draw(seed=0)).all()
    for wrong, kind in [(-1, ValueError), (None, TypeError), ("1", TypeError), (0.0, TypeError)]:
        with pytest.raises(kind, match=r"^seed must be"):
            draw(seed=wrong)


def test_each_task_is_drawn_anew_for_each_sequence():
    for task in DRAWS.keys() - {"echoes"}:
        assert len(np.unique(DRAWS[task](), axis=0)) > 1


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: tasks.delayed_recall(0, 5, 3), ValueError, "B must be at least 1, got 0"),
        (lambda: tasks.delayed_recall(2, 1, 3), ValueError, "T must be at least 2, got 1"),
        (lambda: tasks.delayed_recall(2, 5, 1), ValueError, "V must be at least 2, got 1"),
        (lambda: tasks.running_total(2, 5, 1), ValueError, "V must be at least 2, got 1"),
        (lambda: tasks.echoes(10, 4, 0, 0.5), ValueError, "lag must be at least 1, got 0"),
        (lambda: tasks.echoes(5, 4, 5, 0.5), ValueError, "n must be at least 6, got 5"),
        (lambda: tasks.echoes(9, 4, 2, 1.5), ValueError, "repeat .* 0 and at most 1, got 1.5"),
        (lambda: tasks.echoes(9, 4, 2, "x"), TypeError, "repeat must be a number, got 'x'"),
        (lambda: tasks.echoes(9, 4, 2, np.nan), ValueError, "repeat must be finite, got nan"),
        (lambda: tasks.copying(2, 3, 8, 0), ValueError, "lag must be at least 1, got 0"),
        (lambda: tasks.copying(2, 0, 8, 5), ValueError, "symbols must be at least 1, got 0"),
        (lambda: tasks.copying(2, 3, 1, 5), ValueError, "V must be at least 2, got 1"),
        (lambda: tasks.adding(2, 1), ValueError, "T must be at least 2, got 1"),
        (lambda: tasks.adding(2.5, 4), TypeError, "B must be a whole number"),
        (lambda: tasks.counting(2, 0, 3), ValueError, "n_min must be at least 1, got 0"),
        (lambda: tasks.counting(2, 4, 3), ValueError, "n_max must be at least 4, got 3"),
    ],
)
def test_tasks_refuse(call, error, message):
    with pytest.raises(error, match=message):
        call()
