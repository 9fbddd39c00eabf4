"""The exercises' checks: right or not yet, and a hint that does not give the answer away.

A chapter's checks stand in a module of their own, ``chapter_01`` and so on. Each is a function
of the learner's answer that raises :class:`Hint` where something is wrong.
"""

import importlib
import textwrap

import numpy as np


class Hint(Exception):  # noqa: N818 - it is what the learner reads, not a fault of the program
    """What is wrong with an answer, in one sentence that helps."""


def check(exercise, answer):
    """Print whether an answer is right, or a hint.

    Parameters
    ----------
    exercise : str
        The exercise's number, such as ``"1.3"``.
    answer : object
        A number, list, array or function, as the exercise asks.

    Raises
    ------
    ValueError
        If there is no such exercise.
    """
    words = hint(exercise, answer)
    verdict = "correct." if words is None else f"not yet. {words}"
    print(textwrap.fill(f"Exercise {exercise}: {verdict}", 76))


def hint(exercise, answer):
    """Return None where an answer is right, and the hint where it is not.

    Parameters
    ----------
    exercise : str
        The exercise's number, such as ``"1.3"``.
    answer : object
        The answer. An error that a learner's function raises becomes a hint.

    Returns
    -------
    str or None
        The hint.

    Raises
    ------
    ValueError
        If there is no such exercise.
    """
    function = _find(exercise)
    if answer is None or answer is Ellipsis:
        return "There is no answer yet: put yours in the place of the dots."
    try:
        function(answer)
    except Hint as words:
        return str(words)
    except Exception as error:
        return f"It stopped with {type(error).__name__}: {error}"
    return None


def exercises(chapter):
    """Return the checks of a chapter: exercise number -> function of the answer."""
    module = importlib.import_module(f"rnnbook.exercises.chapter_{chapter:02d}")
    return module.CHECKS


def _find(exercise):
    try:
        return exercises(int(str(exercise).split(".")[0]))[exercise]
    except (ImportError, KeyError, ValueError):
        raise ValueError(
            f"exercise must be a number that a chapter has, such as '1.3'; got {exercise!r}"
        ) from None


def array_of(answer, shape, what):
    """Return an answer as an array, or hint at its shape.

    Parameters
    ----------
    answer : object
        What the learner gave, or what the learner's function returned.
    shape : tuple of int
        The shape that is wanted.
    what : str
        What it is called in the hint.

    Returns
    -------
    numpy.ndarray of float64
        The array.

    Raises
    ------
    Hint
        If it is nothing, not numbers, or of another shape.
    """
    if answer is None or answer is Ellipsis:
        raise Hint(f"{what} is still nothing: is a return missing?")
    try:
        array = np.asarray(answer, dtype=float)
    except (TypeError, ValueError):
        raise Hint(f"{what} must be numbers, got {type(answer).__name__}.") from None
    if array.shape != shape:
        raise Hint(f"{what} has shape {array.shape}; {shape} is wanted.")
    return array


def close(answer, wanted, tolerance=1e-6):
    """Say whether two arrays agree to within a tolerance; NaN never does."""
    return bool(np.all(np.abs(np.asarray(answer) - np.asarray(wanted)) <= tolerance))
