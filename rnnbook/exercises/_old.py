"""Checks that are not data yet; this goes when the last chapter is."""

import numpy as np

from rnnbook.exercises.engine import NO_ANSWER, Hint


class Check:
    """A function of the answer that raises Hint."""

    def __init__(self, function):
        self.function = function

    def hint(self, answer):
        """Return what is wrong with an answer, or None."""
        if answer is None or answer is Ellipsis:
            return NO_ANSWER
        try:
            self.function(answer)
        except Hint as words:
            return str(words)
        except Exception as error:
            return f"It stopped with {type(error).__name__}: {error}"
        return None


def close(answer, wanted, tolerance=1e-6):
    """Return True if two arrays agree to within a tolerance; NaN never does."""
    return bool(np.all(np.abs(np.asarray(answer) - np.asarray(wanted)) <= tolerance))


def array_of(answer, shape, what):
    """Return an answer as an array, or hint at its shape."""
    if answer is None or answer is Ellipsis:
        raise Hint(f"{what} is still nothing: is a return missing?")
    try:
        array = np.asarray(answer, dtype=float)
    except (TypeError, ValueError):
        raise Hint(f"{what} must be numbers, got {type(answer).__name__}.") from None
    if array.shape != shape:
        raise Hint(f"{what} has shape {array.shape}; {shape} is wanted.")
    return array
