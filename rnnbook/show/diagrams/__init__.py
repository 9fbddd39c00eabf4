"""The drawings of the course, in the visual language of :mod:`rnnbook.show.style`.

Each is one call, which returns a new figure for ``plt.show()``. Time goes to the right, layers go
up. A square is given, a circle is a state, a rounded box is put out. Arrows of one weight matrix
have one color: blue W_xh, green W_hh, orange W_hy.
"""

from rnnbook.show.diagrams.gates import gru, lstm
from rnnbook.show.diagrams.networks import (
    feedforward_and_recurrent,
    layer,
    neuron,
    patterns,
    schemes,
    stack,
    unfolded,
)
from rnnbook.show.diagrams.trellis import best_path, chain_and_hmm, forward_lattice, trellis

__all__ = [
    "best_path",
    "chain_and_hmm",
    "feedforward_and_recurrent",
    "forward_lattice",
    "gru",
    "layer",
    "lstm",
    "neuron",
    "patterns",
    "schemes",
    "stack",
    "trellis",
    "unfolded",
]
