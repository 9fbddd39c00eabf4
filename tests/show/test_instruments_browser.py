"""The instruments in a real browser: numbers equal the package's, keyboard, address, theme, axe."""

import json
import re

import numpy as np
import pytest
from conftest import RECORD_SPOKEN, ROOT

from rnnbook import hmm
from rnnbook.nn import cells, gated_cells, gradients, layers
from rnnbook.show import instruments
from tools import stills

pytestmark = [pytest.mark.browser, pytest.mark.slow]

NAMES = list(instruments.catalog())
SCREENS = [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")]
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
AXE = """async rules => (await axe.run(document, {runOnly: rules, resultTypes: ['violations']}))
    .violations.map(v => v.id + ': ' + v.nodes[0].html.slice(0, 160))"""
SMALL = """() => [...document.querySelectorAll(
    '.rnn-live :is(button, input, select, summary, textarea)')]
    .filter(e => e.checkVisibility())
    .map(e => [e.outerHTML.slice(0, 80), e.getBoundingClientRect()])
    .filter(([, r]) => r.width < 24 || r.height < 24).map(([words]) => words)"""
each_name = pytest.mark.parametrize("name", NAMES)


def computed(page, name, **changed):
    """Return what an instrument computes for its first settings and some changes."""
    row = instruments.catalog()[name]["controls"]
    state = {c["key"]: c["value"] for c in row} | changed
    return page.evaluate("([name, state]) => rnnLive.compute[name](state)", [name, state])


def state(page):
    return page.evaluate("document.querySelector('.rnn-live').rnn.state")


# The numbers are the package's.


@pytest.mark.parametrize("x", ["pulse", "steady", "swing"])
@pytest.mark.parametrize(("wx", "wh", "b"), [(1, 0.9, 0), (-1.3, 1.7, 0.4), (2, -2, -1)])
def test_unfolding_is_the_layer_of_the_package(visit, x, wx, wh, b):
    given = computed(visit("unfolding"), "unfolding", T=12, x=x, wx=wx, wh=wh, b=b)
    inputs = np.array(given["x"])[None, :, None]
    wanted = cells.rnn(inputs, [[wx]], [[wh]], [b])
    np.testing.assert_allclose(given["h"][1:], wanted[0, :, 0], rtol=0, atol=1e-12)
    start = {"pulse": [1, 0, 0, 0], "steady": [1, 1, 1, 1], "swing": [1, -1, 1, -1]}[x]
    assert given["x"][:4] == start


@pytest.mark.parametrize("net", ["neuron", "orthogonal", "random"])
@pytest.mark.parametrize(
    ("phi", "w", "s", "h0"),
    [
        ("linear", 1.1, 1, 0.5),
        ("tanh", 1, 1, 0.5),
        ("tanh", 2, 2, 0),
        ("tanh", 1.1, 0, 0),
        ("relu", 0.9, 1, 0.5),
        ("relu", 1.5, 0.3, 1),
    ],
)
def test_gradient_flow_is_the_package_s(visit, net, phi, w, s, h0):
    given = computed(
        visit("gradient-flow"), "gradient-flow", net=net, phi=phi, w=w, s=s, h0=h0, T=60
    )
    W, x = np.array(given["W"]), np.array(given["x"])
    H = len(W)
    name = "identity" if phi == "linear" else phi
    layer = layers.RNN(H, H, 0, name, dtype="float64")
    layer.weights["W_xh"][:] = s * np.eye(H)
    layer.weights["W_hh"][:] = W
    wanted = gradients.flow(gradients.step_jacobians(layer, x, np.full(H, h0)))
    flow = np.array([-np.inf if v is None else v for v in given["flow"]])
    np.testing.assert_allclose(flow, wanted, rtol=0, atol=1e-6)
    sigma = np.linalg.norm(W, 2)
    assert abs(given["sigma"] - sigma) < 1e-6
    np.testing.assert_allclose(given["bound"], np.arange(1, 61) * np.log10(sigma), atol=1e-6)
    assert (flow <= np.array(given["bound"]) + 1e-6).all()
    assert abs(abs(np.linalg.eigvals(W)).max() - w) < 1e-6, "w is the spectral radius"
    if net == "orthogonal":
        np.testing.assert_allclose(W @ W.T, w**2 * np.eye(H), atol=1e-12)


def test_gradient_flow_of_the_logistic_function_by_the_chain_rule(visit):
    given = computed(visit("gradient-flow"), "gradient-flow", phi="logistic", w=1.5, T=30)
    W, h, product = np.array(given["W"]), np.full(16, 0.5), np.eye(16)
    jacobians = []
    for x_t in np.array(given["x"]):
        h = 1 / (1 + np.exp(-(W @ h + x_t)))
        jacobians.append(np.diag(h * (1 - h)) @ W)
    for J, log in zip(jacobians[::-1], given["flow"], strict=True):
        product = product @ J
        assert abs(np.log10(np.linalg.norm(product, 2)) - log) < 1e-6
    rate = np.log10(np.linalg.norm(W, 2) / 4)
    np.testing.assert_allclose(given["bound"], np.arange(1, 31) * rate, atol=1e-6)


@pytest.mark.parametrize("rolls", ["213465666266143", "6", "1666666661", "12345612345612345612"])
@pytest.mark.parametrize(("fair", "loaded", "six"), [(0.9, 0.9, 0.6), (0.6, 0.85, 0.4)])
def test_viterbi_is_the_package_s(visit, rolls, fair, loaded, six):
    page = visit("viterbi")
    given = computed(page, "viterbi", rolls=rolls, fair=fair, loaded=loaded, six=six)
    faces = [np.full(6, 1 / 6), np.append(np.full(5, (1 - six) / 5), six)]
    model = hmm.HMM([0.5, 0.5], [[fair, 1 - fair], [1 - loaded, loaded]], faces)
    (path,), (log_p,) = model.viterbi([[int(face) - 1 for face in rolls]])
    assert given["path"] == path.tolist()
    assert abs(max(given["best"][-1]) - log_p) < 1e-9


@pytest.mark.parametrize(
    ("f", "i", "o", "g", "n"), [(0.97, 0.5, 0.8, 0.6, 10), (0.2, 0.9, 0.5, -0.95, 1)]
)
def test_gates_are_an_lstm_s_step(visit, f, i, o, g, n):
    """With x_t = 1 while there is input, biases open the gates, and a weight makes c̃."""
    given = computed(visit("gates"), "gates", f=f, i=i, o=o, g=g, n=n)
    weights = {f"W_h{k}": [[0.0]] for k in "ifco"} | {f"W_x{k}": [[0.0]] for k in "ifo"}
    weights |= {f"b_{k}": [np.log(v / (1 - v))] for k, v in (("i", i), ("f", f), ("o", o))}
    weights |= {"W_xc": [[np.arctanh(g)]], "b_c": [0.0]}
    h, c = [[0.0]], [[0.0]]
    for t in range(1, 101):
        h, c = gated_cells.lstm_step([[1.0 if t <= n else 0.0]], h, c, weights)
        assert abs(given["h"][t] - h[0, 0]) < 1e-9
        assert abs(given["c"][t] - c[0, 0]) < 1e-9
    np.testing.assert_allclose(given["kept"], f ** np.arange(101.0), rtol=1e-9)


def test_open_gates_keep_everything_and_closed_ones_nothing(visit):
    page = visit("gates")
    kept = computed(page, "gates", f=1, i=1, o=1, g=1, n=5)
    assert kept["c"][5:] == [5] * 96
    lost = computed(page, "gates", f=0, i=1, o=0, g=1, n=5)
    assert lost["c"][6:] == [0] * 95
    assert set(lost["h"]) == {0}


# What is seen and spoken.


@each_name
@pytest.mark.parametrize(("width", "theme"), SCREENS)
def test_it_is_accessible_fits_and_has_large_targets(visit, name, width, theme):
    page = visit(name, width=width, color_scheme=theme)
    if name != "generator":  # it has no table
        page.locator("summary").click()
    page.wait_for_timeout(100)
    page.evaluate((ROOT / "node_modules/axe-core/axe.min.js").read_text("utf-8"))
    assert page.evaluate(AXE, RULES) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(SMALL) == []


@each_name
def test_the_still_picture_is_what_it_draws_at_first(browser, name):
    file = instruments.FOLDER / "stills" / f"{name}.svg"
    assert stills.drawn(browser, name) == file.read_text("utf-8").rstrip("\n"), "tools/stills.py"


@each_name
def test_without_scripts_the_still_picture_is_seen(visit, name):
    page = visit(name, java_script_enabled=False)
    still = page.get_by_role("img", name=instruments.catalog()[name]["alt"])
    assert still.is_visible()
    assert still.bounding_box()["height"] > 100
    assert page.get_by_role("button").count() == 0


@each_name
def test_on_paper_the_still_picture_stands_for_the_controls(visit, name):
    page = visit(name)
    still = page.locator(".rnn-still")
    assert not still.is_visible()
    page.emulate_media(media="print")
    assert still.is_visible()
    assert not page.locator("button").first.is_visible()


@pytest.mark.parametrize(
    ("body", "scheme", "dark"),
    [
        ("", "light", False),
        ("", "dark", True),
        ('data-jp-theme-light="false"', "light", True),
        ('data-jp-theme-light="true"', "dark", False),
    ],
)
def test_the_theme_is_that_of_the_page_around_it(visit, body, scheme, dark):
    page = visit("gates", body=body, color_scheme=scheme)
    color = page.evaluate("getComputedStyle(document.querySelector('.rnn-live')).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", color)[:3])) < 200) == dark
    for theme in ("light", "dark"):  # the book's button
        page.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)
        page.evaluate("() => { delete document.body.dataset.jpThemeLight; }")
        color = page.evaluate("getComputedStyle(document.querySelector('.rnn-live')).color")
        assert (sum(map(int, re.findall(r"\d+", color)[:3])) > 500) == (theme == "dark")


def focused(page):
    """Return the name that is spoken for what has the focus, and whether it is outlined."""
    return page.evaluate(
        """() => { const e = document.activeElement;
        const label = e.labels && e.labels[0] ? e.labels[0].firstChild.textContent
            : e.getAttribute('aria-label') || e.textContent;
        return [label, getComputedStyle(e).outlineStyle != 'none']; }"""
    )


@each_name
def test_every_control_is_reached_by_keyboard_and_outlined(visit, name):
    page = visit(name, width=1280)
    seen = []
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement === document.body"):
            break
        seen.append(focused(page))
    assert all(outlined for _, outlined in seen), seen
    labels = [c["label"] for c in instruments.catalog()[name]["controls"] if c["key"] != "t"]
    reached = [label for label, _ in seen]
    assert [label for label in reached if label in labels] == labels
    last = "Load the model (0.5 MB)" if name == "generator" else "All numbers"
    assert {"Reset", last} <= set(reached)


def test_arrows_move_a_slider_and_buttons_take_a_step(visit):
    page = visit("unfolding")
    page.get_by_label("Time steps T").focus()
    page.keyboard.press("ArrowRight")
    assert state(page)["T"] == 7
    facts = page.locator(".rnn-facts")
    assert "Parameters3" in facts.inner_text().replace("\n", "")
    page.get_by_role("button", name="Step").press("Enter")
    assert state(page)["t"] == 4
    assert "8 of 14" in facts.inner_text()
    page.get_by_role("button", name="Start").click()
    assert page.get_by_role("button", name="Back").is_disabled()
    page.get_by_label("Time steps T").fill("3")
    page.get_by_role("button", name="Run").click()  # without motion: to the end at once
    assert state(page)["t"] == 3
    assert page.get_by_role("button", name="Step").is_disabled()
    page.get_by_role("button", name="Reset").click()
    assert state(page)["T"] == 6


def test_at_the_end_the_keyboard_keeps_its_place(visit):
    page = visit("unfolding", address="#t=5")
    step = page.get_by_role("button", name="Step")
    step.focus()
    for _ in range(3):
        page.keyboard.press("Enter")
    assert state(page)["t"] == 6
    assert focused(page)[0] == "Step"
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Space")
    assert state(page)["t"] == 5


def test_with_motion_it_runs_step_by_step_and_can_be_paused(visit):
    page = visit("viterbi", reduced_motion="no-preference")
    page.get_by_role("button", name="Start").click()
    page.get_by_role("button", name="Run").click()
    page.wait_for_function("document.querySelector('.rnn-live').rnn.state.t == 2")
    page.get_by_role("button", name="Pause").click()
    page.wait_for_timeout(800)
    assert state(page)["t"] == 2


def test_values_are_spoken_once_after_a_pause(visit):
    page = visit("gradient-flow")
    page.evaluate(RECORD_SPOKEN)
    page.get_by_label("Time steps T").focus()
    for _ in range(12):
        page.keyboard.press("ArrowRight")
    page.wait_for_timeout(1200)
    assert len(page.evaluate("window.spoken")) == 1
    assert page.evaluate("window.spoken[0]").startswith("Over 62 steps")
    assert page.get_by_label("Time steps T").get_attribute("aria-valuetext") == "62"


def test_the_table_has_the_numbers(visit):
    page = visit("viterbi")
    page.locator("summary").click()
    last = page.locator("tbody tr").last.inner_text().split("\t")
    wanted = computed(page, "viterbi")["best"][-1]
    given = [float(cell.replace("−", "-")) for cell in last[2:4]]
    np.testing.assert_allclose(given, np.array(wanted) / np.log(10), atol=5e-5)


# The address.


def test_the_state_is_in_the_address_and_an_address_sets_the_state(visit):
    page = visit("gradient-flow", address="#T=12&w=1.1&phi=relu")
    found = state(page)
    assert (found["T"], found["w"], found["phi"], found["s"]) == (12, 1.1, "relu", 1)
    page.get_by_label("Activation").select_option("linear")
    page.wait_for_function("location.hash.includes('phi=linear')")
    assert page.evaluate("location.hash") == "#at=gradient-flow&w=1.1&phi=linear&T=12"
    page.reload()
    assert state(page)["phi"] == "linear"
    page.get_by_role("button", name="Reset").click()
    assert page.evaluate("location.hash") == "#at=gradient-flow"
    assert state(page)["phi"] == "tanh"


def test_a_link_to_a_setting_moves_view_and_focus(visit):
    link = '<a href="#at=gates&amp;f=0.5">go</a><div style="height:3000px"></div>'
    page = visit(link, "unfolding", "gates", '<div style="height:900px"></div>')
    page.get_by_text("go", exact=True).click()
    gates = page.locator('[data-name="gates"]')
    page.wait_for_function("document.activeElement.dataset.name == 'gates'")
    assert gates.evaluate("e => e.rnn.state.f") == 0.5
    assert 0 <= gates.bounding_box()["y"] < 200
    assert page.locator('[data-name="unfolding"]').evaluate("e => e.rnn.state.T") == 6


@pytest.mark.parametrize(
    ("address", "T"),
    [
        ("#T=99", 12),
        ("#T=-5", 1),
        ("#T=4.4", 4),
        ("#T=", 6),
        ("#T=NaN", 6),
        ("#T=Infinity", 6),
        ("#T=<img src=x onerror=alert(1)>", 6),
        ("#at=gates&T=9", 6),
        ("#claim-6", 6),
        ("#T=7&x=__proto__", 7),
    ],
)
def test_a_strange_address_does_no_harm(visit, address, T):
    found = state(visit("unfolding", address=address))
    assert (found["T"], found["x"]) == (T, "pulse")


def test_an_address_of_somebody_else_is_left_alone(visit):
    page = visit('<div class="jp-Notebook"></div>', "unfolding", address="#T=9")
    assert state(page)["T"] == 6
    page.get_by_label("Bias").fill("0.5")
    page.wait_for_timeout(500)
    assert page.evaluate("location.hash") == "#T=9"


EVIL = "<img src=x onerror=window.harmed=1>"


def test_typed_text_never_becomes_html(visit):
    page = visit("viterbi", address=f"#rolls={EVIL}6")
    page.get_by_label("Rolls, 1 to 6").fill(f"1{EVIL}2")
    assert state(page)["rolls"] == "112"
    page.get_by_label("Rolls, 1 to 6").fill("")
    assert "Type some rolls" in page.locator(".rnn-readout").inner_text()
    page.wait_for_timeout(100)
    assert page.evaluate("window.harmed") is None
    assert page.locator("main img:not(.rnn-still)").count() == 0


def test_two_of_one_kind_keep_their_own_settings(visit):
    page = visit("unfolding", "unfolding")
    page.get_by_label("Time steps T").first.fill("2")
    both = page.evaluate("[...document.querySelectorAll('.rnn-live')].map(e => e.rnn.state.T)")
    assert both == [2, 6]
    ids = page.evaluate("[...document.querySelectorAll('.rnn-live [id]')].map(e => e.id)")
    assert len(ids) == len(set(ids))


def test_drawing_is_quick(visit, capsys):
    times = {}
    for name in NAMES:
        page = visit(name)
        times[name] = page.evaluate(
            """() => { const {tools} = document.querySelector('.rnn-live').rnn;
            const start = performance.now();
            for (let k = 0; k < 20; k += 1) tools.change({});
            return (performance.now() - start) / 20; }"""
        )
    with capsys.disabled():
        print("\n" + json.dumps({n: f"{t:.1f} ms" for n, t in times.items()}))
