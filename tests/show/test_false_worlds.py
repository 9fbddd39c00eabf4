"""In a world where a claim's sentence is not so, its box must fail: chapter 1, cell by cell."""

import copy
import re

import jupytext
import matplotlib.pyplot as plt
import numpy as np
import pytest
from conftest import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("worlds")]  # the chapter runs once

SOURCE = ROOT / "notebooks" / "01_recurrent_neuron.py"
# The claim; what stands in a cell; what stands there in the false world; the figure that breaks.
WORLDS = [
    # A layer that adds up what it has read is moved by the order of its inputs.
    (42, "np.tanh(sentence[order]", "np.tanh(np.cumsum(sentence[order], axis=0)", "shuffled"),
    # Another kind of neuron: its layer does something else even without its loop.
    (1, "SimpleRNN(3, return_sequences=True)",
     "SimpleRNN(3, return_sequences=True, go_backwards=True)", "at zero"),
    # A loop that adds to what it carries.
    (71, "h = w_h * h", "h = 1.05 * w_h * h", "w_h = 0.9"),
    (2, "layer = keras.layers.SimpleRNN(3)", "layer = keras.layers.LSTM(3)", "SimpleRNN(3)"),
    # A state as long as the sequence.
    (16, "SimpleRNN(units=H)", "SimpleRNN(units=7)", "not units"),
    # Recurrent weights that depend on what the layer below gives.
    (17, "layer = keras.layers.SimpleRNN(3)", "layer = keras.layers.SimpleRNN(D)", "W_hh"),
    # Sequences joined one to the next.
    (5, "rnn(x[order], W_xh, W_hh, b_h)",
     "rnn(x[order].reshape(1, B * T, D), W_xh, W_hh, b_h).reshape(B, T, H)", "permuted"),
    # A state that nothing is left of at the end of a sequence.
    (4, "rnn(joined, W_xh, W_hh, b_h)[:, T:]", "rnn(joined[:, T:], W_xh, W_hh, b_h)",
     "at step 7"),
    # Numbers that did begin at zero.
    (67, "h_0=np.full((20, 1), 2.0)", "h_0=np.zeros((20, 1))", "from zero"),
    # Inputs that say nothing of the state.
    (55, "drawn[1, :, -1] = drawn[0, :, -1]", "pass", "at weight 100"),
    (56, "(np.maximum(0, a) == 0)", "(np.exp(a) == 0)", "ReLU"),
    # A net that stored other patterns.
    (36, "W = patterns.T @ patterns", "W = patterns[1:].T @ patterns[1:]", "after recall"),
]  # fmt: skip


def cells():
    """Return the code cells that are no exercise."""
    notebook = jupytext.read(SOURCE)
    code = (cell for cell in notebook.cells if cell.cell_type == "code")
    return [c.source for c in code if not {"stub", "solution"} & set(c.metadata.get("tags", []))]


def frozen(names):
    """Return a copy of a notebook's names whose arrays and random numbers are its own."""
    own = (np.ndarray, np.random.Generator, dict, list)
    return {k: copy.deepcopy(v) if isinstance(v, own) else v for k, v in names.items()}


@pytest.fixture(scope="module")
def runs():
    """Return the cells, and the names before each of them, in the world as it is."""
    names, befores, sources = {"__name__": "world"}, [], cells()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plt, "show", lambda: plt.close("all"))
        for source in sources:
            befores.append(frozen({k: v for k, v in names.items() if k != "__builtins__"}))
            exec(source, names)
    return sources, befores


@pytest.mark.parametrize(("number", "old", "new", "figure"), WORLDS, ids=[w[0] for w in WORLDS])
def test_a_claim_fails_in_a_world_where_it_is_not_so(number, old, new, figure, runs):
    sources, befores = runs
    end = next(i for i, s in enumerate(sources) if f"claim({number}," in "".join(s.split()))
    start = max(i for i, s in enumerate(sources[: end + 1]) if old in s)
    names = frozen(befores[start])
    changed = "\n".join([sources[start].replace(old, new), *sources[start + 1 : end + 1]])
    broken = f"{re.escape(figure)}.*: measured .* but the bound is"
    with pytest.raises(AssertionError, match=broken):
        exec(changed, names)
