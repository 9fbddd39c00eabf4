"""Influence: what replacing one token does to the predictions."""

import numpy as np
import pytest

from rnnbook.show.instruments.memory import influence
from rnnbook.text.language_model import LanguageModel


class Bigram:
    """A model whose prediction depends on the last token alone: row x of a table of logits."""

    def __init__(self, V, seed=0):
        self.V, self.table = V, np.random.default_rng(seed).normal(size=(V, V))

    def forward(self, ids, state=None):
        """Return the logits, and a state that nothing is kept in."""
        return self.table[ids], np.zeros((len(ids), 1))


def divergence(p, q):
    return sum(a * np.log2(a / b) for a, b in zip(p, q, strict=True))


def test_influence_in_a_bigram_model_is_of_the_last_token_alone():
    model, ids, f = Bigram(4), np.array([2, 0, 0, 3, 1]), np.array([5.0, 1, 0, 2])
    moved = influence(model, ids, f)
    p = np.exp(model.table) / np.exp(model.table).sum(axis=1, keepdims=True)
    for t, x in enumerate(ids):
        others = [v for v in range(4) if v != x]
        wanted = sum(f[v] * divergence(p[x], p[v]) for v in others) / sum(f[v] for v in others)
        assert moved[t, t] == pytest.approx(wanted, rel=1e-12)
    assert (moved[~np.eye(5, dtype=bool)] == 0).all()


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_influence_is_what_replacing_one_token_after_the_other_gives(cell):
    model = LanguageModel(5, 7, cell, embedding=3, seed=1, dtype="float64")
    for array in model.parameters.values():
        array += np.random.default_rng(2).normal(size=array.shape)
    before, ids, f = [4, 1], np.array([0, 3, 3, 1, 2, 4]), np.array([1.0, 2, 3, 4, 0])
    _, state = model.forward(np.array([before]))
    moved = influence(model, ids, f, state)
    for j in range(6):
        wanted = np.zeros(6)
        for v in set(range(5)) - {ids[j]}:
            changed = ids.copy()
            changed[j] = v
            for t in range(6):
                p = model.next_probabilities([*before, *ids[: t + 1]])
                q = model.next_probabilities([*before, *changed[: t + 1]])
                wanted[t] += f[v] / (f.sum() - f[ids[j]]) * divergence(p, q)
        np.testing.assert_allclose(moved[:, j], wanted, rtol=1e-9, atol=1e-13)
    assert (moved[np.triu_indices(6, 1)] == 0).all(), "a later token moved an earlier prediction"
    assert (moved[np.tril_indices(6)] > 0).all()


def test_a_model_that_ignores_its_state_is_moved_by_nothing():
    model = LanguageModel(5, 7, "gru", seed=1, dtype="float64")
    model.parameters["dense/W_hy"][:] = 0
    assert (influence(model, [0, 3, 1, 2], np.ones(5)) == 0).all()


def test_influence_does_not_change_with_the_unit_of_the_frequencies():
    model, f = LanguageModel(4, 6, seed=3, dtype="float64"), np.array([3, 1, 2, 4])
    one, other = (influence(model, [1, 0, 2], k * f) for k in (1, 0.1))
    np.testing.assert_allclose(one, other, rtol=1e-12)


@pytest.mark.parametrize("f", [[1, 1, -1], [0, 0, 5], [0, 0, 0], [1, 1], [1, np.nan, 1]])
def test_influence_needs_frequencies_of_two_tokens(f):
    with pytest.raises(ValueError, match="frequencies must"):
        influence(LanguageModel(3, 2), [0, 1], f)


@pytest.mark.parametrize("V", [200, 300])
@pytest.mark.parametrize("dtype", ["int8", "uint8", ">i2", "uint16", "int32", "uint32", "uint64"])
def test_influence_does_not_depend_on_the_integer_type_of_the_ids(V, dtype):
    model, ids = LanguageModel(V, 4, dtype="float64"), [1, 100, 3]
    model.parameters["recurrent/W_x"][:, 100:] *= 50  # tokens that 8 bits cannot name
    wanted = influence(model, ids, np.ones(V))
    assert np.array_equal(influence(model, np.array(ids, dtype), np.ones(V)), wanted)
