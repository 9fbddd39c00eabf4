"""Chapter 7's checks: right answers pass, each common wrong answer gets the hint meant for it."""

import numpy as np
import pytest

from rnnbook.exercises import hint


def sigma(a):
    return 1 / (1 + np.exp(-a))


def step(x, h, c, w, names="ifco", squash=np.tanh, squash_out=np.tanh):
    i, f, c_tilde, o = (x @ w[f"W_x{g}"].T + h @ w[f"W_h{g}"].T + w[f"b_{g}"] for g in names)
    c = sigma(f) * c + sigma(i) * squash(c_tilde)
    return sigma(o) * squash_out(c), c


def convert(w, keys=("W_xz", "W_hz", "b_z")):
    return {name: -a if name in keys else a for name, a in w.items()}


def in_place(w):
    for name in ("W_xz", "W_hz", "b_z"):
        w[name] *= -1
    return w


def blocks(kernel, recurrent, bias, j=1, turn=True):
    H = len(recurrent)
    part = slice(j * H, (j + 1) * H)
    return kernel[:, part].T, recurrent[:, part].T if turn else recurrent[:, part], bias[part]


def strided(kernel, recurrent, bias):
    return kernel[:, 1::4].T, recurrent[:, 1::4].T, bias[1::4]


def last(h, mask, shift=1):
    return h[np.arange(len(h)), (mask.sum(axis=1) - shift) % h.shape[1]]


def join(ahead, back, turn=np.s_[:, ::-1]):
    return np.concatenate([ahead, back[turn]], axis=-1)


def ends(n, until=1000):
    return [2] * (n - 1) + [0 if n <= until else 2]


GATE = 32 * 64 + 64 * 64 + 64

RIGHT = {
    "7.1": [1.3, 0],
    "7.2": [24832, 18816, 18624],
    "7.3": [3, 104],
    "7.4": step,
    "7.5": convert,
    "7.6": blocks,
    "7.7": last,
    "7.8": 1.9,
    "7.9": join,
    "7.10": ends,
    "7.11": [68.97, 2.985, 0.796],
    "7.12": [0.01020, 3.27, 2.60, 0],
}

WRONG = [
    ("7.1", [0.8, 0], "input gate"),
    ("7.1", [1.5, 0], "forget gate"),
    ("7.1", [-0.3, 0], "nine tenths"),
    ("7.1", [1.3, np.tanh(1.3)], "say anything"),
    ("7.1", [2, 2], "times the candidate"),
    ("7.2", [GATE, 3 * GATE, 3 * GATE], "one gate"),
    ("7.2", [3 * GATE, 3 * (GATE + 64), 3 * GATE], "the candidate"),
    ("7.2", [4 * (GATE - 64), 3 * GATE, 3 * GATE], "biases are missing"),
    ("7.2", [4 * GATE, 3 * GATE, 3 * (GATE + 64)], "exchanged"),
    ("7.2", [4 * GATE, 3 * GATE, 3 * GATE], "reset_after"),
    ("7.2", [4 * GATE, 1, 2], "count the gates"),
    ("7.3", [104, 3], "wrong order"),
    ("7.3", [2.213, 103.2], "whole steps"),
    ("7.3", [2, 103], "a little more than half"),
    ("7.3", [1, 0], "not at b_f"),
    ("7.3", [3, 50], "gate**n"),
    ("7.4", lambda *given: step(*given)[::-1], "h_t comes first"),
    ("7.4", lambda *given: step(*given, names="fico"), "forget gate are exchanged"),
    ("7.4", lambda *given: step(*given, squash=sigma), "c_t is off"),
    ("7.4", lambda *given: step(*given, squash_out=lambda c: c), "goes through a tanh"),
    ("7.4", lambda *given: (np.tanh(step(*given)[1]), step(*given)[1]), "which gate"),
    ("7.4", lambda *given: step(*given)[0], "two arrays"),
    ("7.4", lambda *given: None, "return missing"),
    ("7.5", lambda w: dict(w), "nothing has changed"),
    ("7.5", lambda w: {name: -a for name, a in w.items()}, "all signs"),
    ("7.5", lambda w: convert(w, ("W_xz", "W_hz")), "the bias"),
    ("7.5", lambda w: w | {n: 1 - w[n] for n in ("W_xz", "W_hz", "b_z")}, "not of its weights"),
    ("7.5", lambda w: convert(w, ("W_xr", "W_hr", "b_r")), "what must happen"),
    ("7.5", in_place, "return new ones"),
    ("7.6", lambda *a: tuple(part.T for part in blocks(*a)), "transpose"),
    ("7.6", lambda *a: blocks(*a, j=2), "that is gate c"),
    ("7.6", lambda *a: blocks(*a, j=0), "that is gate i"),
    ("7.6", strided, "every fourth"),
    ("7.6", lambda *a: blocks(*a, turn=False), "recurrent kernel"),
    ("7.6", lambda *a: (*blocks(*a)[:2], a[2][:4]), "all three"),
    ("7.6", lambda *a: None, "return missing"),
    ("7.7", lambda h, mask: h[:, -1], "after the padding"),
    ("7.7", lambda h, mask: last(h, mask, shift=0), "one step too far"),
    ("7.7", lambda h, mask: h[:, mask[0].sum() - 1], "for all"),
    ("7.7", lambda h, mask: h[:, 0], "how long"),
    ("7.7", lambda h, mask: h, "has shape"),
    ("7.8", 3.04, "carousel alone"),
    ("7.8", 0.9545, "how open"),
    ("7.8", 1.0, "open the gate further"),
    ("7.8", 5.0, "need not be so open"),
    ("7.9", lambda a, b: join(a, b, np.s_[:]), "mind its order"),
    ("7.9", lambda a, b: join(a, b, np.s_[::-1]), "order of the sequences"),
    ("7.9", lambda a, b: join(a, b, np.s_[..., ::-1]), "order of the units"),
    ("7.9", lambda a, b: join(b[:, ::-1], a, np.s_[:]), "come first"),
    ("7.9", lambda a, b: 2 * join(a, b), "turn one"),
    ("7.10", lambda n: [2] * n, "never says"),
    ("7.10", lambda n: [1] * n, "can follow a b"),
    ("7.10", lambda n: ends(n) if n <= 10 else [2] * (n - 3) + [0, 0, 0], "not for 15"),
    ("7.11", [50, 2.985, 0.796], "a share of what is left"),
    ("7.11", [22.8, 2.985, 0.796], "the instrument starts"),
    ("7.11", [99, 2.985, 0.796], "for which n"),
    ("7.11", [69, 15, 0.796], "forgets while"),
    ("7.11", [69, 3, 0.796], "missing yet"),
    ("7.11", [69, 0.3, 0.796], "geometric series"),
    ("7.11", [69, 2.98, 0], "nothing fades"),
    ("7.11", [69, 2.98, 2.4], "a tanh and a gate"),
    ("7.11", [69, 2.98, np.tanh(3)], "output gate open"),
    ("7.11", [69, 2.98, 0.5], "first c after"),
    ("7.12", [2.6, 3.27, 0.0102, 0], "another order"),
    ("7.12", [5.39, 8.93, 13.86, 0], "at lag 0"),
    ("7.12", [3, 3.27, 2.6, 0], "a high bar"),
    ("7.12", [0.01, 0.01, 2.6, 0], "look over the first"),
    ("7.12", [0.2, 3.27, 2.6, 0], "the row of lag 11"),
    ("7.12", [0.0102, 3.27, 2.6, 1], "lag 99 itself"),
    ("7.12", [0.0102, 3.27, 2.6, 99], "counts models"),
]


def test_no_hint_gives_a_number_of_the_answer_away():
    secret = {"7.1": {"1.3"}, "7.2": {"24832", "18816", "18624"}, "7.3": {"3", "104"}}
    secret |= {"7.8": {"1.9", "1.9:"}, "7.11": {"69", "69.0", "2.985", "0.796"}}
    for e, answer, _ in WRONG:
        assert not secret.get(e, set()) & set(hint(e, answer).split())


@pytest.mark.parametrize("b_f", [1.75, 1.9, 2.1])
def test_a_bias_found_roughly_passes(b_f):
    assert hint("7.8", b_f) is None
