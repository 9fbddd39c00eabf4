"""The drawings of the course: one call each, in the one visual language of :mod:`rnnbook.style`.

Time goes to the right, layers go up. A square is given, a circle is a state, a rounded box is
put out. Arrows of one weight matrix have one color: blue W_xh, green W_hh, orange W_hy.
"""

from rnnbook.diagrams.gates import gru, lstm
from rnnbook.diagrams.networks import (
    feedforward_and_recurrent,
    layer,
    neuron,
    patterns,
    schemes,
    stack,
    unfolded,
)

__all__ = [
    "feedforward_and_recurrent",
    "gru",
    "layer",
    "lstm",
    "neuron",
    "patterns",
    "schemes",
    "stack",
    "unfolded",
]
