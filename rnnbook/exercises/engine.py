"""What an exercise is, and how an answer is compared with the right one."""

import copy
import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import ArrayLike

NO_ANSWER = "There is no answer yet: put yours in the place of the dots."


class Hint(Exception):  # noqa: N818 - it is what the learner reads, not a fault of the program
    """What is wrong with an answer, in one sentence that helps.

    A function that makes something of an answer may raise it: it is then the exercise's hint.

    >>> def doubled(x):
    ...     if isinstance(x, str):
    ...         raise Hint("Leave the quotation marks out.")
    ...     return 2 * x
    >>> Exercise(abs, cases=lambda rng: [(-3,)], run=lambda f, x: doubled(f(x))).hint(str)
    'Leave the quotation marks out.'
    """


@dataclass(frozen=True)
class Exercise:
    """An exercise's right answer, its common mistakes, and its cases.

    The ``right`` answer is a number, a list, a dictionary, a text (a tuple inside a list or a
    dictionary is a shape), or a function, whose source is the solution in the notebook.

    Each of the ``mistakes`` is (hint, wrong): a hint, and the wrong answer that it is for. In a
    list or a dictionary, ``...`` stands for any part. A wrong function may be given as a list
    ``[old, new, old, new, ...]`` of what to exchange in the source of the right one. In (hint,
    wrong, when), ``when(got, *case)`` decides, and ``wrong`` is an example. A hint is a text, or a
    function of ``got, *case``. ``otherwise`` is the hint where no mistake fits; a list has one for
    each part of the answer.

    A function is tried on ``cases(rng)``, tuples of arguments, in order: the first at which an
    answer is not right says what is wrong. What is compared is ``run(function, *case)``, by default
    ``function(*case)``. Where more than one answer is right, ``accepts(got, *case)`` says so.
    ``tolerance`` is how far an answer may be off, what the rounding of the text allows: a float or
    a list, as in ``close``.

    >>> Exercise([1, 2], [("Turn it round.", [2, ...])], "Count again.").hint([2, 5])
    'Turn it round.'
    """

    right: object
    mistakes: Sequence = ()
    otherwise: str | list | Callable = ""
    cases: Callable = lambda rng: [()]
    run: Callable = lambda function, *case: function(*case)
    accepts: Callable | None = None
    tolerance: float | list | None = None

    def hint(self, answer: object) -> str | None:
        """Return what is wrong with an answer, or None."""
        if answer is None or answer is Ellipsis:
            return NO_ANSWER
        if callable(self.right) and not callable(answer):
            return "A function is wanted: hand in its name, without calling it."
        if callable(answer) and not callable(self.right):
            return "A value is wanted, not a function: call it first."
        try:
            answer = _guard(answer) if callable(answer) else _guard(_plain)(answer)
            for case in self.draw():
                self._judge(answer, case)
        except Hint as words:
            return str(words)
        return None

    def draw(self) -> list[tuple]:
        """Return the cases, the same at each call; a value has one, without arguments."""
        return self.cases(np.random.default_rng(0))

    def result(self, answer: object, case: tuple) -> object:
        """Return what is compared: a value itself, or what a function makes of a case's copy."""
        if not callable(answer):
            return answer
        with np.errstate(all="ignore"):
            return _plain(self.run(answer, *copy.deepcopy(case)))

    def example(self, wrong: object, other: object) -> object:
        """Return a mistake as an answer: ``...`` filled from another, changes of source made."""
        if not callable(self.right):
            return _fill(wrong, other)
        return edit(self.right, *wrong) if isinstance(wrong, list) else wrong

    def _judge(self, answer, case):
        """Raise the hint if an answer is not right in a case."""
        returned = callable(answer)
        right = self.result(self.right, case)
        got = _read(self.result(answer, case), right, returned)
        right = _read(right, right, returned)
        fault = _fault(got, right, returned)
        if not fault and (
            self.accepts(got, *case) if self.accepts else _same(got, right, self.tolerance)
        ):
            return
        fitting = (words for words, *m in self.mistakes if self._fits(got, right, case, fault, *m))
        words = next(fitting, fault or self.otherwise)
        if isinstance(words, list):
            words = words[_wrong_part(got, right, self.tolerance)]
        raise Hint(words(got, *case) if callable(words) else words)

    def _fits(self, got, right, case, fault, wrong, when=None):
        """Return True if an answer makes the mistake, in this case."""
        if when is not None:
            return not fault and when(got, *case)
        wrong = self.result(self.example(wrong, got), case)
        try:
            return _same(got, _read(wrong, right, callable(self.right)), self.tolerance)
        except Hint:  # nothing that could be compared
            return False


@cache
def edit(function: Callable, *changes: str) -> Callable:
    """Return a function with a mistake: its source with old, new, old, new, ... exchanged.

    The function is one of a module. What does not stand in its source raises a ValueError.

    >>> strict = edit(close, "1e-5 *", "1e-9 *")
    >>> close([0.333333], [1 / 3]), strict([0.333333], [1 / 3])
    (True, False)
    """
    source = inspect.getsource(function)
    for old, new in zip(changes[::2], changes[1::2], strict=True):
        if old not in source:
            raise ValueError(f"{old!r} must stand in the source of {function.__name__}")
        source = source.replace(old, new)
    names = function.__globals__ | {function.__name__: None}
    exec(source, names)
    return names[function.__name__]


def close(got: ArrayLike, right: ArrayLike, tolerance: ArrayLike | None = None) -> bool:
    """Return True if two arrays have the same shape and agree; NaN agrees with NaN.

    If no ``tolerance``, the largest difference, is given, it is 1e-6 for whole numbers in
    ``right``, and 1e-5, of 1 or of the number itself if that is larger, for others.

    >>> close([0.333333], [1 / 3]), close(619.9999, 620)
    (True, False)
    """
    got, right = np.asarray(got, dtype=float), np.asarray(right)
    if got.shape != right.shape:
        return False
    if tolerance is None:
        tolerance = 1e-6 if right.dtype.kind in "iu" else 1e-5 * np.maximum(1, np.abs(right))
    with np.errstate(invalid="ignore"):
        near = (np.abs(got - right) <= tolerance) & np.isfinite(right)
    return bool(np.all(near | (got == right) | (np.isnan(got) & np.isnan(right))))


def _guard(function):
    """Return a learner's function that turns what it raises into a hint."""

    def call(*arguments):
        try:
            return _plain(function(*arguments))
        except Exception as error:
            raise Hint(f"It stopped with {type(error).__name__}: {error}") from error

    return call


def _plain(answer):
    """Return arrays for tensors, and lists for all else that can be walked through."""
    if hasattr(answer, "detach"):  # PyTorch
        answer = answer.detach()
    if hasattr(answer, "__array__"):
        return answer if isinstance(answer, np.ndarray) else np.asarray(answer)
    if isinstance(answer, dict):
        return {name: _plain(part) for name, part in answer.items()}
    if isinstance(answer, str | bytes | set | frozenset) or not isinstance(answer, Iterable):
        return answer
    return [_plain(part) for part in answer]


def _fill(wrong, other):
    """Return a wrong answer with the parts of another where it has ``...``."""
    if wrong is Ellipsis:
        return other
    if isinstance(wrong, dict) and isinstance(other, dict):
        return {name: _fill(wrong.get(name, ...), part) for name, part in other.items()}
    parts = list(other) if np.iterable(other) else [other]
    if isinstance(wrong, list) and len(wrong) == len(parts):
        return [_fill(w, part) for w, part in zip(wrong, parts, strict=True)]
    return wrong


def _name(what, returned):
    return what or ("What it returned" if returned else "The answer")


def _read(answer, right, returned, what=""):
    """Return an answer in the form of the right one: arrays, texts, shapes, lists, dictionaries.

    Arrays keep the shape in which they were given, so that a wrong one can be a mistake.
    """
    if answer is None or answer is Ellipsis:
        raise Hint("It returned nothing: is a return missing?" if returned else NO_ANSWER)
    if isinstance(right, tuple) and what and not returned:
        return _read_shape(answer, what)
    if isinstance(right, str):
        return _read_text(answer, returned, what)
    if isinstance(right, dict):
        if not isinstance(answer, dict) or set(answer) != set(right):
            keys = ", ".join(map(str, right))
            raise Hint(f"{_name(what, returned)} must be a dictionary with the keys {keys}.")
        return {name: _read(answer[name], part, returned, name) for name, part in right.items()}
    if _is_numbers(right):
        return _read_numbers(answer, np.asarray(right), returned, what)
    if not isinstance(answer, list | np.ndarray) or len(answer) != len(right):
        raise Hint(f"{_name(what, returned)} must have {len(right)} parts, one after the other.")
    parts = enumerate(zip(answer, right, strict=True), 1)
    return [_read(part, like, returned, f"Part {i}") for i, (part, like) in parts]


def _is_numbers(right):
    try:
        return np.asarray(right, dtype=float) is not None
    except (TypeError, ValueError):
        return False


def _read_text(answer, returned, what):
    answer = answer.tolist() if isinstance(answer, np.ndarray) else answer
    answer = "".join(map(str, answer)) if isinstance(answer, list) and not returned else answer
    if not isinstance(answer, str):
        kind = type(answer).__name__
        raise Hint(f"{_name(what, returned)} must be a text, in quotation marks; got {kind}.")
    return str(answer) if returned else "".join(answer.split()).lower()


def _read_shape(answer, what):
    try:
        return tuple(_real(np.asarray(list(answer))).ravel().tolist())
    except (TypeError, ValueError):
        raise Hint(
            f"{what} must be a tuple of whole numbers, such as (8, 5, 2); of one, (8,)."
        ) from None


def _real(array):
    """Return an array of whole numbers or of float64; refuse what only ``astype`` would take."""
    if array.dtype.kind in "cmM":
        raise TypeError
    return array.astype(int if array.dtype.kind in "iu" else float)


def _read_numbers(answer, right, returned, what):
    name = _name(what, returned)
    if np.ma.is_masked(answer):
        raise Hint(f"{name} has masked entries: fill them.")
    try:
        array = np.asarray(answer)
        if array.dtype.kind == "O" and any(part is None or part is ... for part in array.flat):
            raise Hint(f"{name} has a part that is still nothing.")
        if array.dtype.kind == "b" and not returned and right.dtype.kind != "b":
            raise TypeError
        array = _real(array)
    except (TypeError, ValueError):
        kind = "unlike parts" if isinstance(answer, list) else type(answer).__name__
        raise Hint(f"{name} must be numbers, of shape {right.shape}; got {kind}.") from None
    loose = array.squeeze().shape == right.squeeze().shape and (right.ndim == 0 or not returned)
    return array.reshape(right.shape) if loose else array


def _parts(answer):
    """Return name -> part of a dictionary or of a list of unlike parts; None of all else."""
    if isinstance(answer, list):
        return {f"Part {i}": part for i, part in enumerate(answer, 1)}
    return answer if isinstance(answer, dict) else None


def _same(got, right, tolerance):
    """Return True if two answers, as ``_read`` returns them, agree in all parts."""
    if (parts := _parts(right)) is not None:
        given = _parts(got)
        return all(_same(given[name], part, tolerance) for name, part in parts.items())
    return got == right if isinstance(right, str | tuple) else close(got, right, tolerance)


def _wrong_part(got, right, tolerance):
    allowed = tolerance if isinstance(tolerance, list) else [tolerance] * len(right)
    parts = zip(got, right, allowed, strict=True)
    return next(i for i, part in enumerate(parts) if not _same(*part))


def _fault(got, right, returned, what=""):
    """Return a sentence where an answer has another shape, or NaN or infinity in it."""
    if (parts := _parts(right)) is not None:
        given = _parts(got)
        faults = (_fault(given[name], part, returned, name) for name, part in parts.items())
        return next(filter(None, faults), None)
    if isinstance(right, str | tuple):
        return None
    name = _name(what, returned)
    if got.shape != right.shape and right.ndim == 0:
        return f"{name} must be one number, got {got.size} of them."
    if got.shape != right.shape and right.ndim == 1 and not returned and got.ndim < 2:
        return f"{name} must have {right.size} numbers, got {got.size}."
    if got.shape != right.shape:
        return f"{name} has shape {got.shape}; {right.shape} is wanted."
    if not np.isfinite(got).all():
        return f"{name} holds NaN or infinity: is something divided by zero, or too large?"
    return None
