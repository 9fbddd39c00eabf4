"""The drawings say what the equations say, the same way on every run, to every eye."""

import io
from collections import Counter
from functools import cache
from itertools import product

import matplotlib
import pytest

matplotlib.use("agg")

import matplotlib.pyplot as plt
from matplotlib.path import Path

from rnnbook.show import diagrams, style

ALPHA = [[0.25, 0.45], [0.145, 0.369], [0.0949, 0.03242]]
DELTA = [[0.25, 0.45], [0.1, 0.324], [0.04, 0.02592]]


@cache
def once(draw, *sizes):
    """Return a diagram, drawn once for all tests that only look at it."""
    return draw(*sizes)


def lattice():
    return diagrams.forward_lattice(ALPHA, "FL", "HHT")


def best():
    return diagrams.best_path(DELTA, [[0, 1], [1, 1]], [1, 1, 0], "FL", "HHT")


DIAGRAMS = (
    diagrams.chain_and_hmm,
    diagrams.trellis,
    lattice,
    best,
    diagrams.neuron,
    diagrams.feedforward_and_recurrent,
    diagrams.layer,
    diagrams.unfolded,
    diagrams.patterns,
    diagrams.schemes,
    diagrams.stack,
    diagrams.lstm,
    diagrams.gru,
)


@pytest.fixture(autouse=True)
def _no_figure_left_open():
    with matplotlib.rc_context():
        yield
    plt.close("all")


def words(figure):
    return Counter(text.get_text() for text in figure.axes[0].texts if text.get_text())


def arrows(figure, kind):
    """Count the arrows of one color."""
    color = matplotlib.colors.to_rgba(style.COLORS[kind])
    patches = figure.axes[0].patches
    return sum(
        isinstance(p, matplotlib.patches.FancyArrowPatch) and p.get_edgecolor() == color
        for p in patches
    )


def strokes(arrow):
    """Return the lines of an arrow and its head, in pixels."""
    drawn = arrow.get_transform().transform_path(arrow.get_path())
    return [Path(line) for line in drawn.to_polygons(closed_only=False)]


def symbols(figure):
    """Return each shape that stands for something: its box, and the symbol inside."""
    found = []
    for patch in figure.axes[0].patches:
        if patch.get_zorder() == 3:
            shape = patch.get_path().transformed(patch.get_patch_transform())
            box = shape.get_extents()
            inside = [t.get_text() for t in figure.axes[0].texts if box.contains(*t.get_position())]
            found.append((box.padded(0.09), "".join(inside)))  # an arrow ends a little before
    return found


def edges(figure):
    """Return all arrows by what they join: (symbol, place) at the start and at the tip, color.

    Where no shape is, the symbol is "" and the place is the point itself, in inches.
    """
    shapes, found = symbols(figure), []
    for arrow in figure.axes[0].patches:
        if isinstance(arrow, matplotlib.patches.FancyArrowPatch):
            line, head = arrow.get_path().to_polygons(closed_only=False)[:2]
            ends = []
            for point in (line[0], head[1]):
                at = [(s, tuple((b.min + b.max) / 2)) for b, s in shapes if b.contains(*point)]
                symbol, place = at[0] if at else ("", point)
                ends.append((symbol, tuple(round(float(v), 2) for v in place)))
            found.append((*ends, matplotlib.colors.to_hex(arrow.get_edgecolor())))
    return found


def joined(figure):
    """Count the arrows from one symbol to another."""
    return Counter((start[0], end[0]) for start, end, _ in edges(figure))


def svg(figure):
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    return text.getvalue()


@pytest.mark.parametrize("T", [1, 3, 5, 6])
def test_unfolding_repeats_the_steps_and_shares_the_weights(T):
    figure = once(diagrams.unfolded, T)
    said = words(figure)
    for t in range(1, T + 1):
        assert said[f"$x_{{{t}}}$"] == said[f"$h_{{{t}}}$"] == 1
        assert said[rf"$\hat{{y}}_{{{t}}}$"] == 1
    assert f"$x_{{{T + 1}}}$" not in said
    assert said["$h_0$"] == 1
    # T steps and the folded graph, each with one arrow of each matrix.
    assert {said[w] for w in ("$W_{xh}$", "$W_{hh}$", "$W_{hy}$")} == {T + 1}
    assert {arrows(figure, kind) for kind in ("input", "hidden", "output")} == {T + 1}


@pytest.mark.parametrize(("D", "H"), [(1, 1), (2, 3), (4, 4)])
def test_a_layer_has_one_arrow_for_each_weight(D, H):
    figure = once(diagrams.layer, D, H)
    assert arrows(figure, "input") == H * D
    assert arrows(figure, "hidden") == H * H + 2  # and the way through the delay
    assert words(figure)[rf"$W_{{hh}}$: ${H} \times {H}$"] == 1
    assert words(figure)[rf"$W_{{xh}}$: ${H} \times {D}$"] == 1


@pytest.mark.parametrize(("layers", "T"), [(1, 1), (2, 4), (3, 5)])
def test_a_stack_has_weights_of_its_own_in_each_layer(layers, T):
    said = words(once(diagrams.stack, layers, T))
    for i in range(1, layers + 1):
        assert said[f"$W_{{xh}}^{{({i})}}$"] == T
        assert said[f"$W_{{hh}}^{{({i})}}$"] == T - 1
    assert said["$W_{hy}$"] == T
    assert sum(said[f"$x_{{{t}}}$"] for t in range(1, T + 1)) == T


def test_only_the_recurrent_network_has_recurrent_weights():
    said = words(once(diagrams.feedforward_and_recurrent))
    assert said["$W_{xh}$"] == said["$W_{hy}$"] == 2
    assert said["$W_{hh}$"] == 1


def test_the_neuron_adds_two_weighted_numbers_and_a_bias():
    said = words(once(diagrams.neuron))
    assert all(said[s] == 1 for s in ("$x_t$", "$w_x$", "$w_h$", "$b$", "$h_t$", "$h_{t-1}$"))
    assert said["delay"] == 1


def test_patterns_count_inputs_and_outputs():
    said = words(once(diagrams.patterns))
    # one-one, one-many, many-one, many-many, encoder-decoder
    assert sum(said[f"$x_{{{t}}}$"] for t in (1, 2, 3)) == 1 + 1 + 3 + 3 + 3
    assert sum(said[rf"$\hat{{y}}_{{{t}}}$"] for t in (1, 2, 3)) == 1 + 3 + 1 + 3 + 2
    assert all(said[w] == 1 for w in ("one to many", "many to one", "encoder", "decoder"))


def test_only_one_scheme_joins_hidden_states():
    said = words(once(diagrams.schemes))
    assert said["$W_{hh}$"] == 2
    assert said["$W_{yh}$"] == 4
    assert [said[f"$y_{{{t}}}$"] for t in (1, 2, 3)] == [1, 1, 1]  # targets: teacher forcing


@pytest.mark.parametrize("T", [1, 4])
def test_a_hidden_chain_has_an_emission_for_each_step(T):
    figure = once(diagrams.chain_and_hmm, T)
    said = words(figure)
    for t in range(1, T + 1):
        assert said[f"$x_{{{t}}}$"] == 2  # in the chain itself, and behind its hidden twin
        assert said[f"$z_{{{t}}}$"] == 1
    assert said["$a$"] == arrows(figure, "hidden") == 2 * (T - 1)
    assert said["$b$"] == arrows(figure, "output") == T


@pytest.mark.parametrize(("N", "T"), [(1, 1), (2, 3), (3, 4)])
def test_a_trellis_has_every_transition_at_every_step(N, T):
    figure = once(diagrams.trellis, N, T)
    assert arrows(figure, "hidden") == N * N * (T - 1)
    assert arrows(figure, "output") == T
    assert [words(figure)[f"${i}$"] for i in range(1, N + 1)] == [T] * N


def test_a_lattice_shows_each_number_at_its_state():
    figure = once(lattice)
    at = {t.get_text(): t.get_position() for t in figure.axes[0].texts}
    fair, loaded = ([at[f"{row[i]:.4g}"] for row in ALPHA] for i in (0, 1))
    assert [x for x, _ in fair] == [x for x, _ in loaded] == sorted(x for x, _ in fair)
    assert min(y for _, y in fair) > max(y for _, y in loaded)
    assert arrows(figure, "hidden") == 2 * 2 * 2


def test_the_best_path_is_orange_and_each_state_keeps_one_arrow():
    figure = once(best)
    assert arrows(figure, "output") == 3 + 2  # emissions, and the path's two steps
    assert arrows(figure, "hidden") == 4 - 2  # one into each of four states, without the path's
    assert arrows(figure, "muted") == 8 - 4
    dashed = [p for p in figure.axes[0].patches if p.get_linestyle() not in ("-", "solid")]
    assert len(dashed) == 4
    orange = matplotlib.colors.to_rgba(style.COLORS["output"])
    circles = [p for p in figure.axes[0].patches if isinstance(p, matplotlib.patches.Circle)]
    marked = [p.center for p in circles if p.get_edgecolor() == orange]
    # Loaded, loaded, fair: low, low, high, from left to right.
    (x1, y1), (x2, y2), (x3, y3) = marked
    assert x1 < x2 < x3
    assert y1 == y2 < y3


@pytest.mark.parametrize("draw", DIAGRAMS)
def test_svg_is_the_same_twice_and_tells_no_date(draw):
    first = svg(draw())
    assert first == svg(draw())
    assert "dc:date" not in first
    assert "Matplotlib" not in first


GATES = {"i": "$i_t$", "f": "$f_t$", "o": "$o_t$"}


@pytest.mark.parametrize("gates", ["", "i", "io", "ifo"])
def test_the_lstm_grows_gate_by_gate(gates):
    figure = once(diagrams.lstm, gates)
    said = words(figure)
    assert [said[symbol] for symbol in GATES.values()] == [gates.count(g) for g in GATES]
    # Each gate has one sigmoid and one product; the candidate is a tanh, and so is the way out.
    assert said[r"$\sigma$"] == said[r"$\times$"] == len(gates)
    assert said[r"$\tanh$"] == 2
    assert said["$+$"] == said[r"$\tilde{c}_t$"] == said["$c_{t-1}$"] == said["$c_t$"] == 1
    # The memory runs from c_{t-1} to c_t, past the forget gate if there is one, and into tanh.
    assert arrows(figure, "memory") == 3 + ("f" in gates)


def test_the_gru_keeps_with_z_and_admits_with_the_rest():
    said = words(once(diagrams.gru))
    assert said["$z_t$"] == said["$r_t$"] == said["$1-$"] == said[r"$\tilde{h}_t$"] == 1
    assert said[r"$\sigma$"] == said[r"$\times$"] == 2
    assert said[r"$\tanh$"] == said["$+$"] == 1
    assert not [symbol for symbol in said if "c" in symbol.replace("\\", "")], "it has no cell"


# What leads where. An arrow is drawn from one shape to another: its ends tell which.


def test_the_arrows_of_the_neuron():
    found = joined(once(diagrams.neuron))
    way = [("$x_t$", r"$\Sigma$"), ("", r"$\Sigma$"), (r"$\Sigma$", r"$\tanh$"),
           (r"$\tanh$", "$h_t$"), ("$h_t$", "delay"), ("delay", r"$\Sigma$")]  # fmt: skip
    assert {pair: found[pair] for pair in way} == dict.fromkeys(way, 1)
    assert found.total() == len(way) + 1, "and the one that leaves"


def test_the_arrows_of_unfolding_and_of_a_stack():
    found = joined(once(diagrams.unfolded, 4))
    for t in range(1, 5):
        before = "$h_0$" if t == 1 else f"$h_{{{t - 1}}}$"
        assert found[f"$x_{{{t}}}$", f"$h_{{{t}}}$"] == found[before, f"$h_{{{t}}}$"] == 1
        assert found[f"$h_{{{t}}}$", rf"$\hat{{y}}_{{{t}}}$"] == 1
    assert found["$h_{t}$", "$h_{t}$"] == 1, "the loop"
    found = joined(once(diagrams.stack, 2, 3))
    for t in (1, 2, 3):
        low, high = f"$h_{{{t}}}^{{(1)}}$", f"$h_{{{t}}}^{{(2)}}$"
        assert found[f"$x_{{{t}}}$", low] == found[low, high] == 1
        assert found[high, rf"$\hat{{y}}_{{{t}}}$"] == 1
        for i in (1, 2) if t > 1 else ():
            assert found[f"$h_{{{t - 1}}}^{{({i})}}$", f"$h_{{{t}}}^{{({i})}}$"] == 1


def test_each_scheme_feeds_back_what_it_says():
    figure = once(diagrams.schemes)
    found = joined(figure)
    for t in (1, 2):
        after = f"$h_{{{t + 1}}}$"
        assert found[f"$h_{{{t}}}$", after] == 1, "hidden to hidden"
        assert found[rf"$\hat{{y}}_{{{t}}}$", after] == 1, "output to hidden"
        assert found[f"$y_{{{t}}}$", after] == 1, "teacher forcing: the target, not the output"
    for t in (1, 2, 3):
        assert found[f"$x_{{{t}}}$", f"$h_{{{t}}}$"] == 3
        assert found[f"$h_{{{t}}}$", rf"$\hat{{y}}_{{{t}}}$"] == 3
    assert found.total() == 3 * 2 + 3 * 6
    # Teacher forcing stands at the left below: its name, its targets and their arrows.
    place = {t.get_text(): t.get_position() for t in figure.axes[0].texts}
    x, y = place["teacher forcing"]
    starts = [s[1] for s, _, _ in edges(figure) if s[0] in ("$y_{1}$", "$y_{2}$")]
    assert all(abs(sx - x) < 1.2 and 0 < y - sy < 1 for sx, sy in starts)


def test_the_decoder_starts_with_the_encoder_s_last_state_and_reads_what_it_wrote():
    found = joined(once(diagrams.patterns))
    assert found["$h_{3}$", "$s_{1}$"] == found["$s_{1}$", "$s_{2}$"] == 1
    assert found[r"$\hat{y}_{1}$", "$s_{2}$"] == 1
    assert [found[f"$s_{{{t}}}$", rf"$\hat{{y}}_{{{t}}}$"] for t in (1, 2)] == [1, 1]


def test_states_lead_on_and_emit_their_symbols():
    found = joined(once(diagrams.chain_and_hmm, 3))
    wanted = Counter(
        (f"${a}_{{{t}}}$", f"${a}_{{{t + 1}}}$") for a, t in product("xz", (1, 2))
    ) + Counter((f"$z_{{{t}}}$", f"$x_{{{t}}}$") for t in (1, 2, 3))
    assert found == wanted


@pytest.mark.parametrize("origins", [[[0, 1], [1, 1]], [[1, 0], [0, 1]], [[0, 0], [1, 0]]])
def test_solid_arrows_are_viterbi_s_origins(origins):
    figure = diagrams.best_path(DELTA, origins, [0, 0, 0], "FL", "HHT")
    muted = style.COLORS["muted"]
    across = [e for e in edges(figure) if {e[0][0], e[1][0]} <= {"F", "L"}]
    columns = sorted({start[1][0] for start, _, _ in across})
    for start, end, color in across:
        t = columns.index(start[1][0])
        i, j = "FL".index(start[0]), "FL".index(end[0])
        on = (i, j) == (0, 0)
        assert (color != muted) == (origins[t][j] == i or on), (t, i, j)


def into(figure, symbol):
    """Return from what the arrows into the only shape with this symbol come, sorted."""
    return sorted(start[0] for start, end, _ in edges(figure) if end[0] == symbol)


SIGMA, TANH, TIMES = r"$\sigma$", r"$\tanh$", r"$\times$"


@pytest.mark.parametrize("gates", ["", "i", "io", "ifo"])
def test_the_arrows_of_the_lstm(gates):
    figure = once(diagrams.lstm, gates)
    found = edges(figure)
    label = {t.get_text(): t.get_position() for t in figure.axes[0].texts}

    def products(*sources):
        """Return the products that such shapes lead into."""
        ends = {e for s, e, _ in found if e[0] == TIMES}
        given = {e: sorted(s[0] for s, end, _ in found if end == e) for e in ends}
        return [e for e in ends if given[e] == sorted(sources)]

    def gate(end):
        """Return the gate whose sigmoid leads into a product, by the label beside the line."""
        ((x, y),) = [s[1] for s, e, _ in found if e == end and s[0] == SIGMA]
        near = {n: abs(label[f"${n}_t$"][0] - x) for n in gates if y < label[f"${n}_t$"][1]}
        return min(near, key=near.get)

    assert into(figure, "$c_t$") == ["$+$"]
    if "f" in gates:
        (forget,) = products("$c_{t-1}$", SIGMA)
        assert gate(forget) == "f"
        assert any(s == forget and e[0] == "$+$" for s, e, _ in found)
    else:
        assert "$c_{t-1}$" in into(figure, "$+$")
    if "i" in gates:
        (admit,) = [p for p in products(SIGMA, TANH) if p[1][1] > 2.5]
        assert gate(admit) == "i"
        assert any(s == admit and e[0] == "$+$" for s, e, _ in found)
    else:
        assert TANH in into(figure, "$+$")
    if "o" in gates:
        (out,) = [p for p in products(SIGMA, TANH) if p[1][1] < 2.5]
        assert gate(out) == "o"
        assert [s for s, e, _ in found if e[0] == "$h_t$"] == [out]
    else:
        assert into(figure, "$h_t$") == [TANH]


def test_in_the_gru_z_keeps_the_state_and_1_minus_z_admits_the_candidate():
    figure = once(diagrams.gru)
    found = edges(figure)
    keep, admit = sorted((e for _, e, _ in found if e[0] == TIMES), key=lambda e: -e[1][1])[::3]
    given = {end: sorted(s[0] for s, e, _ in found if e == end) for end in (keep, admit)}
    assert given == {keep: ["", SIGMA], admit: ["$1-$", TANH]}, "the state has no symbol inside"
    assert into(figure, "$+$") == [TIMES, TIMES]
    assert into(figure, "$h_t$") == ["$+$"]
    assert SIGMA in into(figure, TANH), "r leads to the candidate"
    # 1 - z branches off z's way to keep; z's symbol stands beside that way, r's beside the other.
    (z,) = [s[1] for s, e, _ in found if s[0] == SIGMA and e == keep]
    ((x, y),) = [s[1] for s, e, _ in found if e[0] == "$1-$"]
    assert x == z[0]
    assert z[1] < y < keep[1][1]
    label = {t.get_text(): t.get_position() for t in figure.axes[0].texts}
    assert abs(label["$z_t$"][0] - z[0]) < 0.15
    (r,) = [s[1] for s, e, _ in found if s[0] == SIGMA and e[0] == TANH]
    assert r[0] < label["$r_t$"][0]


LARGEST = (
    lambda: diagrams.forward_lattice([[0.1234] * 3] * 4, "FGL", "HHTT"),
    lambda: diagrams.best_path([[0.01234]] * 4, [[0]] * 3, [0] * 4, "F", "HHTT"),
    lambda: once(diagrams.chain_and_hmm, 1),
    lambda: once(diagrams.trellis, 1, 1),
    lambda: once(diagrams.layer, 4, 4),
    lambda: once(diagrams.unfolded, 6),
    lambda: once(diagrams.stack, 3, 5),
    lambda: once(diagrams.lstm, ""),
    lambda: once(diagrams.lstm, "i"),
    lambda: once(diagrams.lstm, "io"),
)


@pytest.mark.parametrize("draw", [*DIAGRAMS, *LARGEST])
def test_words_stay_apart_inside_the_drawing_and_readable_on_a_phone(draw):
    figure = once(draw)
    style.use()
    figure.draw_without_rendering()
    texts = [t for t in figure.axes[0].texts if t.get_text()]
    boxes = [t.get_window_extent() for t in texts]
    for i, box in enumerate(boxes):
        assert figure.bbox.padded(1).containsx(box.x0)
        assert figure.bbox.padded(1).containsx(box.x1)
        assert figure.bbox.padded(1).containsy(box.y0)
        assert figure.bbox.padded(1).containsy(box.y1)
        assert not any(box.overlaps(other.padded(-2)) for other in boxes[:i]), texts[i]
    for patch in figure.axes[0].patches:
        if isinstance(patch, matplotlib.patches.FancyArrowPatch):
            for stroke, box in product(strokes(patch), boxes):
                assert not stroke.intersects_bbox(box.padded(-2), filled=False)
    pixels_a_point = 358 / (72 * (figure.get_figwidth() + 0.1))  # with the margin
    assert min(t.get_fontsize() for t in texts) * pixels_a_point >= 9


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: diagrams.unfolded(0), ValueError, "T must be at least 1, got 0"),
        (lambda: diagrams.unfolded(7), ValueError, "T must be at most 6, got 7"),
        (lambda: diagrams.unfolded("five"), TypeError, "T must be a whole number, got 'five'"),
        (lambda: diagrams.unfolded(True), TypeError, "T must be a whole number, got True"),
        (lambda: diagrams.layer(D=0), ValueError, "D must be at least 1, got 0"),
        (lambda: diagrams.layer(H=5), ValueError, "H must be at most 4, got 5"),
        (lambda: diagrams.stack(layers=2.0), TypeError, "layers must be a whole number, got 2.0"),
        (lambda: diagrams.trellis(N=4), ValueError, "N must be at most 3, got 4"),
        (lambda: diagrams.trellis(T=5), ValueError, "T must be at most 4, got 5"),
        (lambda: diagrams.chain_and_hmm(5), ValueError, "T must be at most 4, got 5"),
        (lambda: diagrams.forward_lattice(ALPHA, "FL", "HH"), ValueError, "alpha must have"),
        (
            lambda: diagrams.best_path(DELTA, [[0, 1]], [1, 1, 0], "FL", "HHT"),
            ValueError,
            "path and origins must have 3 and 2 steps, got 3 and 1",
        ),
        (
            lambda: diagrams.best_path(DELTA, [[0, 1], [1, 1]], [1, 2, 0], "FL", "HHT"),
            ValueError,
            "ids must be from 0 to V - 1 = 1, got 2",
        ),
        (lambda: diagrams.lstm("iof"), ValueError, "gates must be one of .*; got 'iof'"),
        (lambda: diagrams.stack(T=6), ValueError, "T must be at most 5, got 6"),
    ],
)
def test_bad_sizes_are_refused_with_what_is_allowed(call, error, message):
    with pytest.raises(error, match=message):
        call()
    assert plt.get_fignums() == []
