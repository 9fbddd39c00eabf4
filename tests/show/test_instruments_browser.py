"""The instruments in a real browser: numbers, keyboard, address, theme, axe."""

import re
from itertools import product

import numpy as np
import pytest
from conftest import RECORD_SPOKEN, ROOT

from rnnbook import hmm
from rnnbook.show import instruments
from tools import stills

pytestmark = [pytest.mark.browser, pytest.mark.slow]

NAMES = list(instruments.catalog())
SCREENS = [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark"), (320, "light")]
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
AXE = """async rules => (await axe.run(document, {runOnly: rules, resultTypes: ['violations']}))
    .violations.map(v => v.id + ': ' + v.nodes[0].html.slice(0, 160))"""
SMALL = """() => [...document.querySelectorAll(
    '.rnn-live :is(button, input, select, summary, textarea)')]
    .filter(e => e.checkVisibility())
    .map(e => [e.outerHTML.slice(0, 80), e.getBoundingClientRect()])
    .filter(([, r]) => r.width < 24 || r.height < 24).map(([words]) => words)"""
# Drawn for the width of its place: what scrolls can be reached by keyboard.
DRAWN = """() => { const stage = document.querySelector('.rnn-stage');
    return stage.hasAttribute('tabindex') === (stage.scrollWidth > stage.clientWidth + 1); }"""
each_name = pytest.mark.parametrize("name", NAMES)


def computed(page, name, **changed):
    """Return what an instrument computes for its first settings and some changes."""
    row = instruments.catalog()[name]["controls"]
    state = {c["key"]: c["value"] for c in row} | changed
    return page.evaluate("([name, state]) => rnnLive.compute[name](state)", [name, state])


def state(page):
    return page.evaluate("document.querySelector('.rnn-live').rnn.state")


# The numbers, computed here from the definitions, and Viterbi's by the package.


def test_unfolding_is_one_neuron_step_by_step(visit):
    page = visit("unfolding")
    inputs = {"pulse": [1] + 11 * [0], "steady": 12 * [1], "swing": 6 * [1, -1]}
    for x, (wx, wh, b) in product(inputs, [(1, 0.9, 0), (-1.3, 1.7, 0.4), (2, -2, -1)]):
        given = computed(page, "unfolding", T=12, x=x, wx=wx, wh=wh, b=b)
        assert given["x"] == inputs[x]
        h = [0.0]
        for x_t in inputs[x]:
            h.append(np.tanh(wx * x_t + wh * h[-1] + b))
        np.testing.assert_allclose(given["h"], h, rtol=0, atol=1e-12)


PHI = {  # name: the function, its slope, and the largest slope
    "linear": (lambda a: a, lambda a: np.ones_like(a), 1),
    "tanh": (np.tanh, lambda a: 1 / np.cosh(a) ** 2, 1),
    "logistic": (lambda a: 1 / (1 + np.exp(-a)), lambda a: 1 / (2 * np.cosh(a / 2)) ** 2, 1 / 4),
    "relu": (lambda a: np.maximum(a, 0), lambda a: (a > 0).astype(float), 1),
}


@pytest.mark.parametrize(
    ("phi", "w", "s", "h0"),
    [
        ("linear", 1.1, 1, 0.5),
        ("tanh", 1, 1, 0.5),
        ("tanh", 2, 2, 0),
        ("tanh", 1.1, 0, 0),
        ("relu", 0.9, 1, 0.5),
        ("relu", 1.5, 0.3, 1),
        ("logistic", 1.5, 1, 0.5),
    ],
)
def test_gradient_flow_is_the_product_of_the_jacobians(visit, phi, w, s, h0):
    page = visit("gradient-flow")
    function, slope, steepest = PHI[phi]
    for net in ("neuron", "orthogonal", "random"):
        given = computed(page, "gradient-flow", net=net, phi=phi, w=w, s=s, h0=h0, T=60)
        W = np.array(given["W"])
        h, jacobians = np.full(len(W), h0), []
        for x_t in np.array(given["x"]):
            a = W @ h + s * x_t
            h = function(a)
            jacobians.append(slope(a)[:, None] * W)  # dh_t / dh_{t-1} = diag(φ'(a_t)) W
        product, wanted = np.eye(len(W)), []
        for J in jacobians[::-1]:
            product = product @ J
            with np.errstate(divide="ignore"):
                wanted.append(np.log10(np.linalg.norm(product, 2)))
        flow = np.array([-np.inf if v is None else v for v in given["flow"]])
        np.testing.assert_allclose(flow, wanted, rtol=0, atol=1e-6)
        sigma = np.linalg.norm(W, 2)
        assert abs(given["sigma"] - sigma) < 1e-6
        bound = np.arange(1, 61) * np.log10(steepest * sigma)
        np.testing.assert_allclose(given["bound"], bound, atol=1e-6)
        assert (flow <= bound + 1e-6).all()
        assert abs(abs(np.linalg.eigvals(W)).max() - w) < 1e-6, "w is the spectral radius"
        if net == "orthogonal":
            np.testing.assert_allclose(W @ W.T, w**2 * np.eye(len(W)), atol=1e-12)


def test_viterbi_is_the_package_s(visit):
    page = visit("viterbi")
    rolls = ["213465666266143", "6", "1666666661", "12345612345612345612"]
    for roll, (fair, loaded, six) in product(rolls, [(0.9, 0.9, 0.6), (0.6, 0.85, 0.4)]):
        given = computed(page, "viterbi", rolls=roll, fair=fair, loaded=loaded, six=six)
        faces = [np.full(6, 1 / 6), np.append(np.full(5, (1 - six) / 5), six)]
        model = hmm.HMM([0.5, 0.5], [[fair, 1 - fair], [1 - loaded, loaded]], faces)
        (path,), (log_p,) = model.viterbi([[int(face) - 1 for face in roll]])
        assert given["path"] == path.tolist()
        assert abs(max(given["best"][-1]) - log_p) < 1e-9


def test_open_gates_keep_everything_and_closed_ones_nothing(visit):
    page = visit("gates")
    kept = computed(page, "gates", f=1, i=1, o=1, g=1, n=5)
    assert kept["c"][5:] == [5] * 96
    lost = computed(page, "gates", f=0, i=1, o=0, g=1, n=5)
    assert lost["c"][6:] == [0] * 95
    assert set(lost["h"]) == {0}


# What is seen and spoken.


@each_name
def test_it_is_accessible_fits_and_has_large_targets(visit, name):
    page = visit(name)
    page.evaluate((ROOT / "node_modules/axe-core/axe.min.js").read_text("utf-8"))
    if name != "generator":  # it has no table
        page.locator("summary").click()
        page.wait_for_selector("tbody td")
    for width, theme in SCREENS:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=theme)
        page.wait_for_function(DRAWN)
        assert page.evaluate(AXE, RULES) == [], (width, theme)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(SMALL) == [], (width, theme)


@each_name
def test_the_still_picture_is_what_it_draws_at_first(browser, name):
    file = instruments.FOLDER / "stills" / f"{name}.svg"
    assert stills.drawn(browser, name) == file.read_text("utf-8").rstrip("\n"), "tools.stills"


def test_without_scripts_the_still_pictures_are_seen(visit):
    page = visit(*NAMES, java_script_enabled=False)
    for name in NAMES:
        still = page.get_by_role("img", name=instruments.catalog()[name]["alt"])
        assert still.is_visible()
        assert still.bounding_box()["height"] > 100
    assert page.get_by_role("button").count() == 0


def test_on_paper_the_still_pictures_stand_for_the_controls(visit):
    page = visit(*NAMES)
    stills, buttons = page.locator(".rnn-still").all(), page.locator("button").all()
    assert len(stills) == len(NAMES)
    assert not any(still.is_visible() for still in stills)
    page.emulate_media(media="print")
    assert all(still.is_visible() for still in stills)
    assert not any(button.is_visible() for button in buttons)


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
    page = visit("viterbi", reduced_motion="no-preference", clock=True)
    page.get_by_role("button", name="Start").click()
    page.get_by_role("button", name="Run").click()
    for t in (1, 2):
        page.clock.run_for(600)
        assert state(page)["t"] == t
    page.get_by_role("button", name="Pause").click()
    page.clock.run_for(6000)
    assert state(page)["t"] == 2


def test_values_are_spoken_once_after_a_pause(visit):
    page = visit("gradient-flow", clock=True)
    page.evaluate(RECORD_SPOKEN)
    page.get_by_label("Time steps T").focus()
    for _ in range(12):
        page.keyboard.press("ArrowRight")
    page.clock.run_for(1200)
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
    page = visit('<div class="jp-Notebook"></div>', "unfolding", address="#T=9", clock=True)
    assert state(page)["T"] == 6
    page.get_by_label("Bias").fill("0.5")
    page.clock.run_for(500)
    assert page.evaluate("location.hash") == "#T=9"


EVIL = "<img src=x onerror=window.harmed=1>"


def test_typed_text_never_becomes_html(visit):
    page = visit("viterbi", address=f"#rolls={EVIL}6", clock=True)
    page.get_by_label("Rolls, 1 to 6").fill(f"1{EVIL}2")
    assert state(page)["rolls"] == "112"
    page.get_by_label("Rolls, 1 to 6").fill("")
    assert "Type some rolls" in page.locator(".rnn-readout").inner_text()
    page.clock.run_for(1000)  # what is spoken too
    assert page.evaluate("window.harmed") is None
    assert page.locator("main img:not(.rnn-still)").count() == 0


def test_two_of_one_kind_keep_their_own_settings(visit):
    page = visit("unfolding", "unfolding")
    page.get_by_label("Time steps T").first.fill("2")
    both = page.evaluate("[...document.querySelectorAll('.rnn-live')].map(e => e.rnn.state.T)")
    assert both == [2, 6]
    ids = page.evaluate("[...document.querySelectorAll('.rnn-live [id]')].map(e => e.id)")
    assert len(ids) == len(set(ids))
