"""The checks of chapter 7, LSTM and GRU."""

import numpy as np

from rnnbook.exercises._old import Hint, array_of, close
from rnnbook.nn import layers
from rnnbook.nn.gated_cells import gru_step, lstm_step


def check_unit(answer):
    """7.1: memory and hidden state of one unit after one step."""
    got = array_of(answer, (2,), "The answer")
    if close(got[0], 0.9 * 2 - 1):
        raise Hint("The candidate was written whole: what does the input gate say?")
    if close(got[0], 2 - 0.5):
        raise Hint("The old memory was kept whole: what does the forget gate say?")
    if close(got[0], 0.1 * 2 - 0.5):
        raise Hint("f = 0.9 keeps nine tenths; it does not forget them.")
    if close(got, [1.3, np.tanh(1.3)]):
        raise Hint("The memory is right. But does the unit say anything, with o = 0?")
    if not close(got, [1.3, 0]):
        raise Hint("c is f times the old memory plus i times the candidate; h is o times tanh(c).")


def check_parameters(answer):
    """7.2: the parameters of an LSTM and of both GRUs."""
    got = array_of(answer, (3,), "The answer")
    gate = 32 * 64 + 64 * 64 + 64
    if close(got[0], gate):
        raise Hint("That is one gate. How many matrices of each kind has an LSTM?")
    if close(got[0], 3 * gate):
        raise Hint("Three gates, and the candidate: it has weights as well.")
    if close(got[0], 4 * (gate - 64)):
        raise Hint("The biases are missing.")
    if close(got[1:], [3 * gate, 3 * (gate + 64)]):
        raise Hint("The two GRUs are exchanged: which of them has the second bias?")
    if close(got[1], 3 * gate) or close(got[1], got[2]):
        raise Hint("Keras' GRU is reset_after=True unless told otherwise: what does that add?")
    if not close(got, [4 * gate, 3 * (gate + 64), 3 * gate]):
        raise Hint("One gate has DH + H^2 + H. Count the gates and candidates of each cell.")


def check_half(answer):
    """7.3: steps until less than half of a memory is left."""
    got = array_of(answer, (2,), "The answer")
    exact = np.log(0.5) / np.log(1 / (1 + np.exp(-np.array([1.0, 5.0]))))
    wanted = np.floor(exact) + 1
    if close(got, wanted[::-1]):
        raise Hint("Right numbers, wrong order: b_f = 1 comes first.")
    if close(got, exact, 0.02):
        raise Hint("Whole steps are wanted: after how many is it below one half?")
    if close(got, np.floor(exact)):
        raise Hint("After so many steps a little more than half is left.")
    if close(got[0], 1) and got[1] < 2:
        raise Hint("The gate stands at sigmoid(b_f), not at b_f.")
    if not close(got, wanted):
        raise Hint("After n steps gate**n is left. For which n is that below one half?")


def check_step(step):
    """7.4: one step of an LSTM."""
    for seed, (B, D, H) in enumerate(((1, 2, 3), (4, 3, 2))):
        rng = np.random.default_rng(seed)
        w = layers.LSTM(D, H, seed, dtype="float64").weights
        x, h, c = rng.normal(size=(B, D)), rng.normal(size=(B, H)), rng.normal(size=(B, H))
        got = step(x, h, c, w)
        if got is None:
            raise Hint("It returns nothing: is a return missing?")
        if not isinstance(got, tuple | list) or len(got) != 2:
            raise Hint("Two arrays are wanted: h_t and c_t.")
        h_t, c_t = (array_of(g, (B, H), n) for g, n in zip(got, ("h_t", "c_t"), strict=True))
        _compare_steps(h_t, c_t, (x, h, c, w))


def _compare_steps(h_t, c_t, given):
    x, h, c, w = given
    h_right, c_right = lstm_step(x, h, c, w)
    if close(h_t, h_right) and close(c_t, c_right):
        return
    if close(h_t, c_right) and close(c_t, h_right):
        raise Hint("Both are right, and exchanged: h_t comes first.")
    swapped = {"f": "i", "i": "f"}
    other = {name[:-1] + swapped.get(name[-1], name[-1]): a for name, a in w.items()}
    if close(c_t, lstm_step(x, h, c, other)[1]):
        raise Hint("Input and forget gate are exchanged.")
    if not close(c_t, c_right):
        raise Hint("c_t is off: f times the old memory, plus i times the candidate, a tanh.")
    if close(h_t, h_right / np.tanh(c_right) * c_right):
        raise Hint("c_t is right; on its way to h_t it goes through a tanh.")
    raise Hint("c_t is right, h_t is not: which gate stands before tanh(c_t)?")


def check_convert(convert):
    """7.5: the weights of a GRU that keeps with 1 - z, for one that keeps with z."""
    rng = np.random.default_rng(0)
    given = layers.GRU(3, 4, 0, dtype="float64").weights
    given = {name: rng.normal(size=a.shape) for name, a in given.items() if "b_h" not in name}
    given |= {"b_h": rng.normal(size=4)}
    kept = {name: a.copy() for name, a in given.items()}
    x, h = rng.normal(size=(5, 3)), rng.normal(size=(5, 4))
    got = convert(given)
    if not isinstance(got, dict) or set(got) != set(kept):
        raise Hint("A dict with the same names is wanted.")
    if not all(close(given[name], kept[name]) for name in kept):
        raise Hint("It changes the arrays it was given: return new ones.")
    flip = {name: -a if name.endswith("z") else a for name, a in kept.items()}
    if close(gru_step(x, h, got), gru_step(x, h, flip)):
        return
    if all(close(got[name], kept[name]) for name in kept):
        raise Hint("Nothing has changed. What is 1 - sigmoid(a), as a sigmoid?")
    if all(close(got[name], -kept[name]) for name in kept):
        raise Hint("All signs have changed; which gate does the convention concern?")
    if close(got["b_z"], kept["b_z"]) and close(got["W_xz"], -kept["W_xz"]):
        raise Hint("The bias is a part of what the sigmoid hears.")
    if any(close(got[f"{n}z"], 1 - kept[f"{n}z"]) for n in ("W_x", "W_h", "b_")):
        raise Hint("1 - z is wanted of the gate, not of its weights.")
    raise Hint("Since sigmoid(-a) = 1 - sigmoid(a), what must happen to a?")


def check_blocks(forget_weights):
    """7.6: the forget gate's weights out of Keras' three arrays."""
    D, H = 3, 4
    rng = np.random.default_rng(0)
    given = rng.normal(size=(D, 4 * H)), rng.normal(size=(H, 4 * H)), rng.normal(size=4 * H)
    got = forget_weights(*given)
    if got is None:
        raise Hint("It returns nothing: is a return missing?")
    if not isinstance(got, tuple | list) or len(got) != 3:
        raise Hint("Three arrays are wanted.")
    if np.shape(got[0]) == (D, H):
        raise Hint("Keras stores the transpose: W_xf has shape (H, D).")
    W_xf, W_hf, b_f = map(array_of, got, ((H, D), (H, H), (H,)), ("W_xf", "W_hf", "b_f"))
    for j, gate in enumerate("ifco"):
        block = slice(j * H, (j + 1) * H)
        if close(W_xf, given[0][:, block].T) and gate != "f":
            raise Hint(f"That is gate {gate}: Keras' order is i, f, c, o.")
    if close(W_xf, given[0][:, 1::4].T):
        raise Hint("Each gate is a run of H columns, not every fourth column.")
    block = slice(H, 2 * H)
    if close(W_hf, given[1][:, block]):
        raise Hint("W_xf is right; the recurrent kernel is stored transposed as well.")
    right = given[0][:, block].T, given[1][:, block].T, given[2][block]
    if not all(close(a, b) for a, b in zip((W_xf, W_hf, b_f), right, strict=True)):
        raise Hint("The same columns of all three: the second run of H.")


def check_last(last_state):
    """7.7: the state at each sequence's last step that counts."""
    h = np.random.default_rng(0).normal(size=(4, 6, 3))
    lengths = np.array([4, 1, 6, 3])
    got = array_of(last_state(h, np.arange(6) < lengths[:, None]), (4, 3), "The result")
    rows = np.arange(4)
    if close(got, h[rows, lengths - 1]):
        return
    if close(got, h[:, -1]):
        raise Hint("That is the state after the padding: where does each sequence end?")
    if close(got, h[rows, lengths % 6]):
        raise Hint("One step too far: steps are counted from 0, lengths from 1.")
    if close(got, h[:, 3]):
        raise Hint("It takes the first sequence's length for all.")
    raise Hint("The number of True in a row says how long the sequence is.")


def check_bias(answer):
    """7.8: the forget bias at which a hundredth arrives over 99 steps."""
    b = float(array_of(answer, (), "The bias"))
    gate = 0.01 ** (1 / 99)
    if abs(b - np.log(gate / (1 - gate))) < 0.1:
        raise Hint("That is the prediction from the carousel alone. What does `reach` measure?")
    if close(b, gate, 0.01):
        raise Hint("This is how open the gate would be. The bias is asked for.")
    if b < 1.6:
        raise Hint("Much less than a hundredth arrives there: open the gate further.")
    if b > 2.2:
        raise Hint("Much more than a hundredth arrives there: the gate need not be so open.")


def check_join(join):
    """7.9: forward and backward states of the same time steps, side by side."""
    rng = np.random.default_rng(0)
    ahead, back = rng.normal(size=(2, 5, 3)), rng.normal(size=(2, 5, 3))
    got = array_of(join(ahead, back), (2, 5, 6), "The result")
    if close(got, np.concatenate([ahead, back], axis=-1)):
        raise Hint("The backward layer's first state is of the last input: mind its order.")
    if close(got, np.concatenate([ahead, back[::-1]], axis=-1)):
        raise Hint("That turns the order of the sequences; time is the second axis.")
    if close(got, np.concatenate([ahead, back[..., ::-1]], axis=-1)):
        raise Hint("That turns the order of the units; time is the second axis.")
    if close(got, np.concatenate([back[:, ::-1], ahead], axis=-1)):
        raise Hint("Right, but the forward layer's states come first.")
    if not close(got, np.concatenate([ahead, back[:, ::-1]], axis=-1)):
        raise Hint("Turn one of the two round in time, then join the last axes.")


def check_ends(ends):
    """7.10: where words of a^n b^n end, up to n = 25."""
    for n in (1, 2, 5, 10, 15, 20, 25):
        got = array_of(ends(n), (n,), f"The answer for n = {n}")
        if set(got) - {0.0, 2.0}:
            raise Hint("Only 2 (another b) and 0 (the end) can follow a b.")
        if (got == 2).all():
            raise Hint(f"For n = {n} it never says that the word ends.")
        if got[-1] != 0 or (got[:-1] != 2).any():
            raise Hint(f"Right for all n tried below {n}, but not for {n}.")


def check_held(answer):
    """7.11: half-life, ceiling and output of a cell whose gates stand still."""
    half, c, h = array_of(answer, (3,), "The answer")
    if close(half, 50, 0.5):
        raise Hint("The first: each step takes a share of what is left, not of what was written.")
    if close(half, np.log(0.5) / np.log(0.97), 0.5):
        raise Hint("The first: that is for the gate at which the instrument starts.")
    if not close(half, np.log(0.5) / np.log(0.99), 0.6):
        raise Hint("The first: for which n is f**n one half?")
    if close(c, 50 * 0.3, 0.01):
        raise Hint("The second: so much was written, but the gate forgets while the cell writes.")
    if close(c, 3, 1e-6):
        raise Hint("The second: there it would settle in the end. A little is missing yet.")
    if not close(c, 3 * (1 - 0.9**50), 0.006):
        raise Hint("The second: add up what is left of each of the fifty, a geometric series.")
    if close(h, 0, 0.01):
        raise Hint("The third: with f = 1 nothing fades.")
    if close(h, 3, 0.01) or close(h, 0.8 * 3, 0.01):
        raise Hint("The third: from c to h the way leads through a tanh and a gate.")
    if close(h, np.tanh(3), 0.001):
        raise Hint("The third: how far is the output gate open?")
    if not close(h, 0.8 * np.tanh(3), 0.002):
        raise Hint("The third: first c after the steps with input; then o times tanh(c).")


def check_seen(answer):
    """7.12: what the opening mark does to three predictions, 11 and 99 characters later."""
    *bits, models = array_of(answer, (4,), "The answer")
    wanted = np.array([0.0102, 3.274, 2.602])

    def near(order):
        return close(bits, wanted[order], 0.03 * wanted[order])

    if near([2, 1, 0]):
        raise Hint("Right numbers, in another order: RNN, GRU, LSTM.")
    if close(bits, [5.385, 8.932, 13.86], 0.05):
        raise Hint("That is the last character read, at lag 0. The opening mark is 11 back.")
    if bits[0] > 1:
        raise Hint("The RNN: has it a high bar over the opening mark?")
    if min(bits[1:]) < 1:
        raise Hint("GRU and LSTM: go to character 12, and look over the first one.")
    if not near([0, 1, 2]):
        raise Hint('Read the row of lag 11 in "All numbers", with the slider at 12.')
    if models in (1, 2, 3):
        raise Hint("At 125: other characters move them so far back, but look at lag 99 itself.")
    if models != 0:
        raise Hint("The last number counts models: 0, 1, 2 or 3.")


CHECKS = {
    "7.1": check_unit,
    "7.2": check_parameters,
    "7.3": check_half,
    "7.4": check_step,
    "7.5": check_convert,
    "7.6": check_blocks,
    "7.7": check_last,
    "7.8": check_bias,
    "7.9": check_join,
    "7.10": check_ends,
    "7.11": check_held,
    "7.12": check_seen,
}
