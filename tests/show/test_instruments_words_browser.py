"""What each instrument says, lists and puts into its table, computed here from the definitions."""

import base64
import json
import re
from itertools import pairwise, product

import numpy as np
import pytest
from conftest import PATIENCE

from rnnbook.show import instruments
from rnnbook.show.instruments import generator
from rnnbook.text import sampling

# The pages are opened once.
pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("words")]

SAY = """settings => {
    const root = document.querySelector('.rnn-live');
    root.rnn.tools.change(settings);
    const texts = (of, what) => [...of.querySelectorAll(what)].map(e => e.textContent);
    return {words: root.querySelector('.rnn-readout').textContent,
        facts: Object.fromEntries([...root.querySelectorAll('.rnn-facts > div')].map(
            d => [d.querySelector('dt').textContent, d.querySelector('dd').textContent])),
        table: [...root.querySelectorAll('tr')].map(row => texts(row, 'th, td'))}; }"""


@pytest.fixture(scope="module")
def page_of(browser):
    """Return a function that opens an instrument, once for all tests, its table unfolded."""
    pages = {}

    def opened(name):
        if name not in pages:
            page = pages[name] = browser.new_page(reduced_motion="reduce")
            page.set_default_timeout(PATIENCE)
            heavy = {"embed": True} if name == "generator" else {}
            page.set_content(instruments.as_html(name, **heavy))
            if heavy:
                page.get_by_role("button", name="Load").click()
            else:
                page.locator("summary").click()
        return pages[name]

    yield opened
    for page in pages.values():
        page.close()


@pytest.fixture
def says(page_of):
    """Return a function: the words, the facts and the table of an instrument for its settings."""

    def said(name, **settings):
        usual = {c["key"]: c["value"] for c in instruments.catalog()[name]["controls"]}
        assert settings.keys() <= usual.keys()
        return page_of(name).evaluate(SAY, usual | settings)

    return said


def number(text):
    return float(text.replace("−", "-"))


def numbers(text):
    """Return the numbers in a text; 1,234 is one, and the 10 of log10 is none."""
    found = re.findall(r"(?<![\w.])[−-]?\d[\d,]*(?:\.\d+)?(?:e[+-]\d+)?", text)
    return [number(n.replace(",", "")) for n in found]


# Unfolding: h_t = tanh(w_x x_t + w_h h_{t-1} + b), with three parameters.


@pytest.mark.parametrize("t", [1, 3, 4, 6])
def test_unfolding_says_the_step_it_shows(says, t):
    wx, wh, b, T = 1.3, -0.7, 0.2, 6
    x, h = [None, 1, -1, 1, -1, 1, -1], [0.0]
    for x_t in x[1:]:
        h.append(float(np.tanh(wx * x_t + wh * h[-1] + b)))
    said = says("unfolding", T=T, t=t, x="swing", wx=wx, wh=wh, b=b)
    wanted = [t, T, wx, x[t], wh, round(h[t - 1], 3), b, round(h[t], 3)]
    assert numbers(said["words"]) == pytest.approx(wanted, abs=1e-9)
    assert said["facts"]["Parameters"] == "3"
    assert said["facts"]["Copies of the neuron"] == str(T)
    assert numbers(said["facts"]["Multiplications"]) == [2 * t, 2 * T]
    head, first, *rows = said["table"]
    assert head == ["t", "input", "state"]
    assert first[:2] == ["0", ""]
    assert number(first[2]) == 0
    for k, row in enumerate(rows, start=1):
        assert [number(cell) for cell in row] == pytest.approx([k, x[k], h[k]], abs=5e-7)
    assert len(rows) == T


def test_unfolding_at_the_start_has_computed_nothing(says):
    said = says("unfolding", T=5, t=0)
    assert said["words"].startswith("Nothing is computed yet")
    assert "all 5 steps" in said["words"]
    assert numbers(said["facts"]["Multiplications"]) == [0, 10]


# Gradient flow: lag k is the product of the last k Jacobians, w φ'(a_t), t = T, T - 1, ...


def test_gradient_flow_tells_each_lag_from_1_on(says):
    w, T, h = 0.9, 20, 0.8
    factors = []
    for _ in range(T):
        h = np.tanh(w * h)
        factors.append(w * (1 - h**2))
    wanted = np.cumsum(np.log10(factors[::-1]))
    said = says("gradient-flow", net="neuron", w=w, phi="tanh", T=T, s=0, h0=0.8)
    head, *rows = said["table"]
    assert head == ["lag", "log10 measured", "log10 bound"]
    assert [row[0] for row in rows] == [str(lag) for lag in range(1, T + 1)]
    np.testing.assert_allclose([number(row[1]) for row in rows], wanted, atol=6e-5)
    bound = np.log10(w) * np.arange(1, T + 1)
    np.testing.assert_allclose([number(row[2]) for row in rows], bound, atol=6e-5)
    steps, _, left, _, allowed, sigma = numbers(said["words"])
    assert steps == T
    assert (left, allowed) == pytest.approx((wanted[-1], bound[-1]), abs=0.051)
    assert sigma == w


def test_gradient_flow_says_from_which_lag_on_nothing_arrives(page_of, says):
    settings = {"net": "neuron", "w": 0.8, "phi": "relu", "s": 1, "h0": 0.5}
    compute = "s => rnnLive.compute['gradient-flow']({...s, T: 100})"
    h, dead = 0.5, set()
    for t, (x_t,) in enumerate(page_of("gradient-flow").evaluate(compute, settings)["x"], start=1):
        h = max(0, 0.8 * h + x_t)
        dead |= set() if h > 0 else {t}
    # A last step whose third predecessor is the latest without a slope.
    T = next(t for t in range(6, 101) if dead & set(range(t - 3, t + 1)) == {t - 3})
    said = says("gradient-flow", T=T, **settings)
    assert said["words"].endswith("From lag 4 on nothing arrives.")
    assert f"Over {T} steps nothing is left" in said["words"]
    assert "nothing arrives" not in says("gradient-flow", net="neuron", T=30)["words"]


# Viterbi, by brute force over all paths.

CASINO = {"fair": 0.8, "loaded": 0.7, "six": 0.45}


def all_paths(rolls):
    """Yield each path, F and L, with the logarithm (base 10) of its probability."""
    move = {"FF": 0.8, "FL": 0.2, "LL": 0.7, "LF": 0.3}
    for path in map("".join, product("FL", repeat=len(rolls))):
        p = 0.5
        for step in pairwise(path):
            p *= move["".join(step)]
        for state, roll in zip(path, rolls, strict=True):
            p *= 1 / 6 if state == "F" else 0.45 if roll == "6" else 0.55 / 5
        yield np.log10(p), path


@pytest.mark.parametrize("t", [1, 4, 8])
def test_viterbi_s_words_and_table_are_brute_force(says, t):
    rolls, names = "26661266", {"F": "fair", "L": "loaded"}
    said = says("viterbi", rolls=rolls, t=t, **CASINO)
    log, best = max(all_paths(rolls[:t]))
    assert f"After {t} of 8 rolls the best path is {best} " in said["words"]
    assert number(said["words"].split()[-1].rstrip(".")) == pytest.approx(log, abs=0.0051)
    sums, paths = said["facts"].values()
    assert numbers(sums) == [4 * t, 4 * 8]
    assert numbers(paths) == [2**t, 2**8]
    head, *rows = said["table"]
    assert head == [
        *("t", "roll", "log10 fair", "log10 loaded", "fair from", "loaded from", "best path")
    ]
    _, whole = max(all_paths(rolls))
    for k, row in enumerate(rows, start=1):
        assert row[:2] == [str(k), rolls[k - 1]]
        for state, shown, origin in zip("FL", row[2:4], row[4:6], strict=True):
            log, path = max((p, path) for p, path in all_paths(rolls[:k]) if path[-1] == state)
            assert number(shown) == pytest.approx(log, abs=6e-5)
            assert origin == ("start" if k == 1 else names[path[-2]])
        assert row[6] == names[whole[k - 1]]
    assert len(rows) == len(rolls)
    assert any(row[4] != row[5] for row in rows), "origins that could be exchanged unseen"


def test_viterbi_before_the_first_roll_has_summed_nothing(says):
    said = says("viterbi", rolls="1266", t=0)
    assert said["words"] == "No roll is read yet. 4 wait."
    assert [numbers(fact) for fact in said["facts"].values()] == [[0, 16], [0, 16]]


# Gates: c_t = f c_{t-1} + i c̃_t, h_t = o tanh(c_t), c̃ = g for n steps.


@pytest.mark.parametrize(("f", "n"), [(0.97, 10), (0.6, 1), (0.99, 50)])
def test_gates_say_memory_state_product_and_half_life(says, f, n):
    i, o, g = 0.7, 0.3, 0.8
    c = [0.0]
    for t in range(1, 101):
        c.append(f * c[-1] + (i * g if t <= n else 0))
    h = o * np.tanh(c)
    said = says("gates", f=f, i=i, o=o, g=g, n=n)
    facts = {name: number(value) for name, value in said["facts"].items()}
    assert facts["c after 100 steps"] == pytest.approx(c[100], abs=5.1e-4)
    assert facts["h after 100 steps"] == pytest.approx(h[100], abs=5.1e-4)
    assert facts["f to the power of 100"] == pytest.approx(f**100, rel=5.1e-3)
    half = facts["Steps until half is left"]
    assert f ** (half + 0.051) < 0.5 < f ** (half - 0.051)
    wanted = [n, c[n], 100, c[100], h[100], f**100]
    assert numbers(said["words"]) == pytest.approx(wanted, rel=5.1e-3, abs=5.1e-4)
    assert ("1 step " if n == 1 else f"{n} steps ") in said["words"]
    head, *rows = said["table"]
    assert head == ["t", "c", "h", "product of f"]
    shown = np.array([[number(cell) for cell in row] for row in rows])
    wanted = np.column_stack([np.arange(101), c, h, f ** np.arange(101.0)])
    np.testing.assert_allclose(shown, wanted, rtol=6e-6, atol=6e-7)


@pytest.mark.parametrize(("f", "half"), [(0, "1"), (1, "never")])
def test_a_gate_that_is_closed_or_open_has_no_half_life_to_compute(says, f, half):
    assert says("gates", f=f)["facts"]["Steps until half is left"] == half


# Memory: what lies in the script, decoded here. (That these are the package's: see test_memory.)


@pytest.fixture(scope="module")
def stored():
    script = (instruments.FOLDER / "memory-data.js").read_text("utf-8")
    content = json.loads(script.removeprefix("rnnLive.memory = ").removesuffix(";\n"))
    T = len(content["text"]) - 1
    halves = np.frombuffer(base64.urlsafe_b64decode(content["numbers"]), "<f2")
    halves = halves.reshape(3, -1).astype(float)
    moved = np.zeros((3, T, T))
    moved[:, *np.tril_indices(T)] = halves[:, : -2 * T]
    return content, moved, halves[:, -2 * T : -T], halves[:, -T:]


def spoken(character):
    known = {" ": "a space", "\n": "a new line", '"': "a quotation mark"}
    return known.get(character, f"“{character}”")


@pytest.mark.parametrize("t", [1, 2, 57, 125, 156])
def test_memory_says_what_comes_how_probable_it_was_and_how_far_back(says, stored, t):
    content, moved, p, most = stored
    text, said = content["text"], says("memory", t=t)
    comes = f"After character {t}, {spoken(text[t - 1])}, comes {spoken(text[t])}; "
    assert said["words"].startswith(comes)
    reach = [max((lag for lag in range(t) if m[t - 1, t - 1 - lag] >= 0.01), default=0)
             for m in moved]  # fmt: skip
    rest = numbers(said["words"].removeprefix(comes))
    assert rest[:3] == pytest.approx(p[:, t - 1], abs=0.0051)
    assert rest[3:] == [0.01, *reach]
    for k, name in enumerate(content["models"]):
        fact = said["facts"][f"{name} expects"]
        assert fact.startswith(f"{spoken(content['likely'][k][t - 1])}, ")
        assert number(fact.split(", ")[-1]) == pytest.approx(most[k, t - 1], abs=0.0051)
    head, *rows = said["table"]
    assert head == ["lag", "character", "RNN, bits", "GRU, bits", "LSTM, bits"]
    assert len(rows) == t
    for lag, row in enumerate(rows):
        assert row[:2] == [str(lag), spoken(text[t - 1 - lag])]
        wanted = moved[:, t - 1, t - 1 - lag]
        assert [number(cell) for cell in row[2:]] == pytest.approx(wanted, abs=6e-6)


# The generator: the rounded model of chapter 8 in NumPy.


@pytest.mark.parametrize(
    ("settings", "sampler"),
    [
        ({"temperature": 1}, {}),
        ({"temperature": 0.5}, {}),
        ({"temperature": 1.5, "cut": "k", "k": 7}, {"top_k": 7}),
        ({"temperature": 0.8, "cut": "p", "p": 0.7}, {"top_p": 0.7}),
    ],
)
@pytest.mark.parametrize("prompt", ["She said", "The water "])
def test_the_generator_says_what_may_come_next(says, prompt, settings, sampler):
    model = generator.round_weights(generator.load())
    logits = np.log(model.next_probabilities(model.encode(prompt)))
    p = sampling.distribution(logits, settings["temperature"], **sampler)
    first, second = np.argsort(-p, kind="stable")[:2]
    names = {" ": "space", "\n": "line end"}
    said = says("generator", prompt=prompt, **settings)
    match = re.fullmatch(
        r"0 characters are written\. Next, most probably: (.+), ([\d.]+) %; "
        r"then (.+), ([\d.]+) %\. (\d+) characters? can follow\.",
        said["words"],
    )
    for v, name, percent in ((first, *match.group(1, 2)), (second, *match.group(3, 4))):
        assert name == names.get(model.tokens[v], model.tokens[v])
        assert float(percent) == pytest.approx(100 * p[v], abs=0.051)
    assert int(match[5]) == np.count_nonzero(p)
    assert said["facts"]["Characters written"] == "0"


def test_the_generator_counts_what_it_wrote(page_of, says):
    says("generator", prompt="The ", seed=3)
    for _ in range(3):
        page_of("generator").get_by_role("button", name="Step", exact=True).click()
    said = says("generator", prompt="The ", seed=3)
    assert said["words"].startswith("3 characters are written.")
    assert said["facts"]["Characters written"] == "3"
