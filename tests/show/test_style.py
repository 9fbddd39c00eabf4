"""The colors can be read and told apart, by every reader, on the light and the dark page."""

import json
import subprocess
import sys
from itertools import combinations

import numpy as np
import pytest

from rnnbook.show import style

KINDS = ("input", "hidden", "output", "gradient", "memory")
WHITE, DARK_PAGE = np.ones(3), np.full(3, 0x12 / 255)


def rgb(color):
    return np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255


def on_dark_page(color):
    """CSS ``invert(1) hue-rotate(180deg)``, then ``mix-blend-mode: screen`` over #121212."""
    # W3C Filter Effects: hue-rotate by 180° is 2 L - 1, L the row of luminance weights.
    turn = 2 * np.array([0.213, 0.715, 0.072]) - np.eye(3)
    filtered = np.clip(turn @ (1 - color), 0, 1)
    return 1 - (1 - filtered) * (1 - DARK_PAGE)


def linear(color):
    return np.where(color <= 0.04045, color / 12.92, ((color + 0.055) / 1.055) ** 2.4)


def contrast(a, b):
    """WCAG 2.1's contrast ratio of two colors."""
    light = sorted(linear(c) @ [0.2126, 0.7152, 0.0722] for c in (a, b))
    return (light[1] + 0.05) / (light[0] + 0.05)


# Machado, Oliveira and Fernandes (2009), severity 1.0, on linear RGB.
EYES = {
    "all cones": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
}


def oklab(light):
    """Place linear RGB in Oklab (Ottosson 2020), where distance is difference as seen."""
    lms = np.array(
        [
            [0.4122214708, 0.5363325363, 0.0514459929],
            [0.2119034982, 0.6806995451, 0.1073969566],
            [0.0883024619, 0.2817188376, 0.6299787005],
        ]
    )
    lab = np.array(
        [
            [0.2104542553, 0.7936177850, -0.0040720468],
            [1.9779984951, -2.4285922050, 0.4505937099],
            [0.0259040371, 0.7827717662, -0.8086757660],
        ]
    )
    return lab @ np.cbrt(lms @ light)


def test_contrast_of_known_pairs():
    assert contrast(WHITE, np.zeros(3)) == pytest.approx(21)
    assert contrast(rgb("#767676"), WHITE) == pytest.approx(4.54, abs=0.005)  # WCAG's example
    assert on_dark_page(WHITE) == pytest.approx(DARK_PAGE)
    assert on_dark_page(np.zeros(3)) == pytest.approx(WHITE)


@pytest.mark.parametrize("kind", [*KINDS, "ink", "muted"])
def test_text_is_readable_on_light_and_dark(kind):
    color = rgb(style.COLORS[kind])
    assert contrast(color, WHITE) >= 4.5
    assert contrast(on_dark_page(color), DARK_PAGE) >= 4.5


@pytest.mark.parametrize("kind", sorted(style.FILLS))
def test_symbols_are_readable_inside_their_shapes(kind):
    color, fill = rgb(style.COLORS[kind]), rgb(style.FILLS[kind])
    assert contrast(color, fill) >= 4.5
    assert contrast(on_dark_page(color), on_dark_page(fill)) >= 4.5


@pytest.mark.parametrize("eye", EYES)
@pytest.mark.parametrize("page", [lambda c: c, on_dark_page], ids=["light", "dark"])
def test_kinds_stay_apart_for_every_eye(eye, page):
    seen = {
        kind: oklab(np.clip(EYES[eye] @ linear(page(rgb(style.COLORS[kind]))), 0, 1))
        for kind in KINDS
    }
    for a, b in combinations(KINDS, 2):
        # 0.02 is a difference just seen side by side; apart, on thin lines, more is needed.
        assert np.linalg.norm(seen[a] - seen[b]) >= 0.07, (a, b)


def test_importing_the_style_loads_no_matplotlib():
    code = (
        "import sys, rnnbook.show.style, rnnbook.show.diagrams; print('matplotlib' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


CELL = """
from rnnbook.show import diagrams, style
style.use()
import matplotlib.pyplot as plt
fig, ax = plt.subplots()
ax.plot([0, 1], [0, 1], label="$h_t$")
ax.imshow([[0, 1], [1, 0]])
ax.legend()
plt.show()
diagrams.neuron()
plt.show()
"""


def figures_of_a_fresh_kernel():
    from nbclient import NotebookClient
    from nbformat import v4

    notebook = v4.new_notebook(cells=[v4.new_code_cell(CELL.strip())])
    NotebookClient(notebook, kernel_name="python3", timeout=600).execute()
    return [output.data for output in notebook.cells[0].outputs]


def test_two_fresh_kernels_draw_the_same_svg():
    first, second = figures_of_a_fresh_kernel(), figures_of_a_fresh_kernel()
    assert json.dumps(first) == json.dumps(second)
    assert len(first) == 2
    for data in first:
        assert set(data) == {"image/svg+xml", "text/plain"}
        assert "dc:date" not in data["image/svg+xml"]
        assert "Matplotlib" not in data["image/svg+xml"]


def test_a_last_digit_of_the_layout_changes_nothing_in_the_file():
    import matplotlib.pyplot as plt

    def drawn(width):
        with plt.rc_context():
            style.use()
            figure, ax = plt.subplots()
            ax.set_position([0.1, 0.1, width, 0.8])
            ax.plot([0, 1])
            plt.close(figure)
            return style.short_svg(figure)

    assert drawn(0.8) == drawn(0.8 + 1e-9)
    assert drawn(0.8) != drawn(0.7)
