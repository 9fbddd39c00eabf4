"""The data: files are the ones described, tasks are what they say."""

import shutil
import tomllib

import numpy as np
import pytest

from rnnbook import data


@pytest.fixture
def copied(tmp_path, monkeypatch):
    for name in ("manifest.toml", "sunspots.csv"):
        shutil.copy(data.FOLDER / name, tmp_path / name)
    monkeypatch.setattr(data, "FOLDER", tmp_path)
    return tmp_path


def test_sunspots_are_the_known_series():
    years, numbers = data.sunspots()
    assert (years == np.arange(1700, 2009)).all()
    # The largest yearly mean of the old series: 190.2 in 1957; the Dalton minimum's zero: 1810.
    assert years[numbers.argmax()] == 1957
    assert numbers.max() == 190.2
    assert years[numbers == 0].tolist() == [1711, 1712, 1810]


def test_every_file_of_the_manifest_is_there_and_unchanged():
    listed = tomllib.loads((data.FOLDER / "manifest.toml").read_text(encoding="utf-8"))["file"]
    for entry in listed:
        file = data.path(entry["name"])
        assert file.stat().st_size == entry["bytes"]
        assert entry["licence"]
        assert entry["source"]


def test_a_changed_file_is_refused(copied):
    assert data.path("sunspots.csv") == copied / "sunspots.csv"
    content = (copied / "sunspots.csv").read_bytes()
    (copied / "sunspots.csv").write_bytes(content.replace(b"1957,190.2", b"1957,190.3"))
    with pytest.raises(ValueError, match=r"sunspots.csv must be the file in manifest.toml"):
        data.sunspots()


def test_a_missing_file_is_named(copied):
    (copied / "sunspots.csv").unlink()
    with pytest.raises(FileNotFoundError, match=r"sunspots.csv is missing \(restore it"):
        data.sunspots()
    (copied / "manifest.toml").unlink()
    with pytest.raises(FileNotFoundError, match=r"manifest.toml is missing"):
        data.path("sunspots.csv")


def test_an_unlisted_file_is_refused_even_where_it_exists():
    for name in ("manifest.toml", "../pyproject.toml"):
        with pytest.raises(ValueError, match=r"must be one of .*sunspots.csv.*; got"):
            data.path(name)


def test_windows_by_hand():
    x, y = data.windows([1, 2, 3, 4, 5], 3)
    assert x.tolist() == [[[1], [2], [3]], [[2], [3], [4]]]
    assert y.tolist() == [4, 5]


def test_windows_do_not_share_memory_with_the_series():
    series = np.arange(5.0)
    x, y = data.windows(series, 2)
    x[:], y[:] = 9, 9
    assert series.tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("series", "T", "error", "message"),
    [
        ([1, 2, 3], 3, ValueError, r"at least T \+ 1 = 4 values, got 3"),
        ([1, 2, 3], 0, ValueError, "T must be at least 1, got 0"),
        ([1, 2, 3], 1.0, TypeError, "T must be a whole number"),
        ([], 1, ValueError, "empty"),
        ([[1, 2], [3, 4]], 1, ValueError, r"series must have shape \(n\)"),
        ([1, np.nan, 3], 1, ValueError, "series must be finite"),
        (["a", "b"], 1, TypeError, "series must hold real numbers"),
    ],
)
def test_windows_refuse(series, T, error, message):
    with pytest.raises(error, match=message):
        data.windows(series, T)


def test_delayed_recall_asks_for_the_symbol_that_it_showed():
    B, T, V = 300, 6, 4
    x, y = data.delayed_recall(B, T, V, seed=0)
    assert x.shape == (B, T, V + 1)
    assert (x[:, 0].argmax(1) == y[:, -1]).all()
    assert set(y[:, -1].tolist()) == {1, 2, 3, 4}
    assert (y[:, :-1] == 0).all()
    # After the first step nothing in the input tells the sequences apart.
    assert (x[:, 1:] == x[0, 1:]).all()


def test_running_total_is_a_sum_modulo_v():
    x, y = data.running_total(50, 7, 5, seed=0)
    digits = x.argmax(2)
    assert (x.sum(2) == 1).all()
    for b in range(50):
        assert [int(digits[b, : t + 1].sum()) % 5 for t in range(7)] == y[b].tolist()


def test_echoes_repeat_as_often_as_said():
    s = data.echoes(40_000, 4, 5, 0.85, seed=0)
    assert set(s.tolist()) == {0, 1, 2, 3}
    # 0.85 copied, and a quarter of the rest by luck; four standard errors are 0.0064.
    assert abs((s[5:] == s[:-5]).mean() - (0.85 + 0.15 / 4)) < 0.0064
    assert abs((s[1:] == s[:-1]).mean() - 1 / 4) < 0.02


@pytest.mark.parametrize(
    "draw",
    [
        lambda seed: data.delayed_recall(20, 5, 3, seed)[0],
        lambda seed: data.running_total(20, 5, 3, seed)[0],
        lambda seed: data.echoes(100, 3, 2, 0.5, seed),
    ],
)
def test_the_seed_decides(draw):
    assert (draw(1) == draw(1)).all()
    assert (draw(1) != draw(2)).any()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: data.delayed_recall(0, 5, 3, 0), ValueError, "B must be at least 1, got 0"),
        (lambda: data.delayed_recall(2, 1, 3, 0), ValueError, "T must be at least 2, got 1"),
        (lambda: data.delayed_recall(2, 5, 3, None), TypeError, "seed must be a whole number"),
        (lambda: data.running_total(2, 5, 1, 0), ValueError, "V must be at least 2, got 1"),
        (lambda: data.running_total(2, 5, 2, -1), ValueError, "seed must be at least 0"),
        (lambda: data.echoes(10, 4, 0, 0.5, 0), ValueError, "lag must be at least 1, got 0"),
        (lambda: data.echoes(5, 4, 5, 0.5, 0), ValueError, "n must be at least 6, got 5"),
        (lambda: data.echoes(10, 4, 2, 1.5, 0), ValueError, "from 0 to 1, got 1.5"),
    ],
)
def test_tasks_refuse(call, error, message):
    with pytest.raises(error, match=message):
        call()
