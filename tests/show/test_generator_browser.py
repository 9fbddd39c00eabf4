"""The generator in a real browser: its numbers, its random numbers, what is typed."""

import numpy as np
import pytest
from test_instruments_browser import EVIL, state

from rnnbook.show import instruments
from rnnbook.show.instruments import generator
from rnnbook.text import sampling

pytestmark = [pytest.mark.browser, pytest.mark.slow]

NAME = "generator"
USUAL = {"temperature": 1, "cut": "none", "k": 10, "p": 0.9, "seed": 1}


@pytest.fixture(scope="module")
def model():
    return generator.round_weights(generator.load())


@pytest.fixture(scope="module")
def with_weights():
    return instruments.as_html(NAME, embed=True)


def computed(page, prompt, **settings):
    """Return logits and distribution after a prompt."""
    given = USUAL | {"prompt": prompt} | settings
    return page.evaluate("state => rnnLive.compute.generator(state)", given)


@pytest.fixture
def page(visit, with_weights):
    """Return a page with the generator, its weights loaded."""
    page = visit(with_weights)
    page.get_by_role("button", name="Load").click()
    return page


def test_logits_are_the_model_s(page, model):
    for prompt in ("", "T", "The water ", "“Where?” she said. Ω7\n\n* * *\n\nIt"):
        given = computed(page, prompt)
        wanted = model.next_probabilities(model.encode(prompt))
        np.testing.assert_allclose(given["p"], wanted, rtol=0, atol=1e-5)
        assert len(given["p"]) == model.V


def test_the_distribution_is_the_package_s(page):
    for settings, given in (
        ({"temperature": 0.5}, {}),
        ({"temperature": 2}, {}),
        ({"temperature": 0.8, "cut": "k", "k": 5}, {"top_k": 5}),
        ({"temperature": 1.3, "cut": "k", "k": 1}, {"top_k": 1}),
        ({"temperature": 0.7, "cut": "p", "p": 0.9}, {"top_p": 0.9}),
        ({"temperature": 1, "cut": "p", "p": 0.05}, {"top_p": 0.05}),
        ({"temperature": 1.5, "cut": "p", "p": 1}, {"top_p": 1}),
    ):
        for prompt in ("The w", "She said", "q"):
            found = computed(page, prompt, **settings)
            wanted = sampling.distribution(found["logits"], settings["temperature"], **given)
            np.testing.assert_allclose(found["p"], wanted, rtol=0, atol=1e-9)


def written(page, steps, **fields):
    """Let it write by its buttons, and return the text."""
    for label, value in fields.items():
        field = page.get_by_label(label.replace("_", " ")).first
        field.select_option(value) if label.startswith("Leave") else field.fill(str(value))
    page.get_by_role("button", name="Write").click()
    page.wait_for_function(
        f"document.querySelector('.rnn-live').rnn.state.session.count == {steps}"
    )
    return page.locator(".rnn-text span").text_content()


def test_with_one_candidate_it_writes_what_the_package_writes(page, model):
    fields = {"Leave_out_the_improbable": "k", "k_of_top-k": 1, "Characters_to_write": 100}
    prompt = "The door "
    given = written(page, 100, Prompt=prompt, **fields)
    assert prompt + given == model.generate(100, prompt, top_k=1)


def test_a_seed_gives_its_text_again_and_another_seed_another(page):
    first = written(page, 200, Seed=5, Characters_to_write=200)
    assert len(first) == 200
    second = written(page, 200, Seed=6)
    assert first != second
    assert written(page, 200, Seed=5) == first


def test_characters_are_drawn_with_their_probabilities(page, model):
    """The share of what follows over 4,000 draws is within five standard errors of p."""
    page.get_by_label("Prompt").fill("T")  # short: it is read again for each seed
    counts, p = page.evaluate(
        """() => { const root = document.querySelector('.rnn-live'), {state} = root.rnn;
        root.style.display = 'none';  // to lay out each step takes five times as long
        const p = rnnLive.compute.generator(state).p, counts = {};
        const step = [...document.querySelectorAll('button')].find(b => b.textContent == 'Step');
        for (let seed = 0; seed < 4000; seed += 1) {
            state.seed = seed; state.session = null; rnnLive.compute.generator(state);
            step.click();
            const c = state.session.text; counts[c] = (counts[c] || 0) + 1;
        } return [counts, p]; }"""
    )
    tokens = model.tokens
    for token, count in counts.items():
        share = p[tokens.index(token)] if token in tokens else p[0]
        assert abs(count / 4000 - share) < 5 * np.sqrt(share * (1 - share) / 4000) + 1e-3


TWO_FRAMES = "() => new Promise(go => requestAnimationFrame(() => requestAnimationFrame(go)))"


def test_it_stops_steps_and_goes_on(page):
    page.get_by_label("Characters to write").fill("2000")
    page.get_by_role("button", name="Write").click()
    stop = page.get_by_role("button", name="Stop").element_handle()
    # From inside the page: on a quick machine all is written before a click from here arrives.
    page.wait_for_function(
        "stop => stop.closest('.rnn-live').rnn.state.session.count > 20 && (stop.click(), true)",
        arg=stop,
    )
    page.evaluate(TWO_FRAMES)
    count = state(page)["session"]["count"]
    page.evaluate(TWO_FRAMES)
    assert state(page)["session"]["count"] == count < 2000
    page.get_by_role("button", name="Step").click()
    assert state(page)["session"]["count"] == count + 1
    before = page.locator(".rnn-text span").text_content()
    page.get_by_role("button", name="Continue").click()
    page.wait_for_function(
        f"document.querySelector('.rnn-live').rnn.state.session.count == {count + 2001}"
    )
    assert page.locator(".rnn-text span").text_content().startswith(before)
    page.get_by_role("button", name="Reset").click()
    assert page.locator(".rnn-text span").text_content() == ""


def test_a_prompt_never_becomes_html(visit, with_weights):
    page = visit(with_weights, clock=True)
    page.get_by_role("button", name="Load").click()
    page.get_by_label("Prompt").fill(EVIL)
    assert page.locator(".rnn-text b").text_content() == EVIL
    page.get_by_role("button", name="Step").click()
    page.clock.run_for(900)  # what is spoken too
    assert page.evaluate("window.harmed") is None
    assert page.locator("main img:not(.rnn-still)").count() == 0


def test_weights_are_loaded_only_when_asked_for_and_from_a_file(visit, tmp_path):
    (tmp_path / "_static").mkdir()
    script = tmp_path / "_static" / "generator-weights.js"
    script.write_text(generator.as_script(), encoding="utf-8")
    page = visit(NAME)
    asked = []
    page.on("request", lambda r: asked.append(r.url))
    page.get_by_label("Temperature").fill("0.5")
    assert asked == []
    assert "not loaded" in page.locator(".rnn-stage").text_content()
    page.get_by_role("button", name="Load").click()
    page.wait_for_selector(".k-bar")
    assert asked == [script.as_uri()]


def test_where_no_weights_lie_it_says_what_to_do(visit):
    page = visit('<div class="jp-Notebook"></div>', NAME)
    page.get_by_role("button", name="Load").click()
    assert "embed=True" in page.locator(".rnn-text").text_content()
