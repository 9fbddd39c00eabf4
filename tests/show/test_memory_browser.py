"""The instrument "What does it remember?" in a browser: the package's numbers, and pointing."""

import numpy as np
import pytest
from conftest import RECORD_SPOKEN

from rnnbook.show.instruments import memory

pytestmark = [pytest.mark.browser, pytest.mark.slow]

T = memory.T


# Drawn as wide as its place: it is drawn again when its width is known.
FITS = """() => { const room = document.querySelector('.rnn-stage').clientWidth;
    return Number(document.querySelector('svg.rnn-drawing').getAttribute('width'))
        === Math.round(Math.min(760, Math.max(260, room))); }"""
ALL = "T => [...Array(T).keys()].map(k => rnnLive.compute.memory({t: k + 1}))"


def state(page):
    return page.evaluate("document.querySelector('.rnn-live').rnn.state.t")


@pytest.mark.parametrize("cell", memory.NAMES)
def test_the_page_has_the_numbers_of_the_package(visit, cell, monkeypatch):
    """Stored in two bytes, a number is off by at most one part in 2,000.

    The package reads the beginning alone: what comes later changes nothing in it.
    """
    page, which = visit("memory"), list(memory.NAMES).index(cell)
    steps = page.evaluate(ALL, T)
    monkeypatch.setattr(memory, "T", 50)
    model = memory.load(cell)
    moved, p = memory.measure(model)
    assert moved.shape == (50, 50)
    comes = model.encode(memory.passage()[1])[1:]
    for t in range(1, 51):
        shown = steps[t - 1][which]
        assert shown["name"] == memory.NAMES[cell]
        np.testing.assert_allclose(shown["row"], moved[t - 1, :t], rtol=1e-3, atol=1e-7)
        assert shown["p"] == pytest.approx(p[t - 1, comes[t - 1]], rel=1e-3, abs=1e-7)
        assert shown["most"] == pytest.approx(p[t - 1].max(), rel=1e-3)
        assert p[t - 1, model.encode(shown["best"])[0]] == pytest.approx(p[t - 1].max(), rel=1e-3)
        if shown["reach"]:
            assert moved[t - 1, t - 1 - shown["reach"]] >= 0.00999
        assert (moved[t - 1, : t - 1 - shown["reach"]] < 0.01001).all()
    rows = [step[which]["row"] for step in steps]
    means = [np.mean([row[-1 - lag] for row in rows[lag:]]) for lag in range(81)]
    np.testing.assert_allclose(shown["mean"], means, rtol=1e-3, atol=1e-7)


def test_pointing_at_a_character_and_arrows_move_it(visit):
    page = visit("memory", address="#at=memory&t=57")
    assert state(page) == 57
    page.wait_for_function(FITS)
    box = page.locator("svg.rnn-drawing").bounding_box()
    page.mouse.click(box["x"] + 36 + 7.3 * 9.5, box["y"] + 60)
    assert state(page) == 10
    page.wait_for_function("location.hash == '#at=memory&t=10'")
    page.mouse.move(box["x"] + 36 + 7.3 * 9.5, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 36 + 7.3 * 14.5, box["y"] + 60)
    page.mouse.up()
    assert state(page) == 15
    page.mouse.click(box["x"] + 3, box["y"] + 60)
    assert state(page) == 1
    slider = page.get_by_label("Character, of 156")
    slider.focus()
    for key, t in (("ArrowRight", 2), ("End", T), ("ArrowLeft", T - 1), ("Home", 1)):
        page.keyboard.press(key)
        assert state(page) == t
    page.get_by_role("button", name="Reset").click()
    assert state(page) == 125


def test_pointing_at_the_chart_or_the_margin_changes_nothing_or_stays_inside(visit):
    page = visit("memory", width=390)
    page.wait_for_function(FITS)
    box = page.locator("svg.rnn-drawing").bounding_box()
    page.mouse.click(box["x"] + 100, box["y"] + box["height"] - 60)
    assert state(page) == 125
    page.mouse.click(box["x"] + box["width"] - 2, box["y"] + 60)  # beyond the end of a line
    line = page.locator("svg.rnn-drawing text.k-mono").first.text_content()
    assert state(page) == len(line)


def test_it_is_spoken_once_after_a_pause(visit):
    page = visit("memory", clock=True)
    page.evaluate(RECORD_SPOKEN)
    page.get_by_label("Character, of 156").focus()
    for _ in range(5):
        page.keyboard.press("ArrowLeft")
    page.clock.run_for(1200)
    assert len(page.evaluate("window.spoken")) == 1
    assert page.evaluate("window.spoken[0]").startswith("After character 120, “f”, comes “e”")
