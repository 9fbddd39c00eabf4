"""All exercises at once: right answers pass in every form, each mistake gets its own hint."""

import copy
import re
from collections import deque

import numpy as np
import pytest

from rnnbook import data
from rnnbook import exercises as module
from rnnbook.exercises import engine, hint
from rnnbook.exercises.engine import Exercise, close, edit
from rnnbook.text import Vocabulary
from rnnbook.text.ngram import NGram

ALL = {
    number: exercise
    for chapter in module.chapters()
    for number, exercise in module.exercises(chapter).items()
}
FUNCTIONS = {number: e for number, e in ALL.items() if callable(e.right)}
VALUES = {number: e for number, e in ALL.items() if number not in FUNCTIONS}
READS_ITS_ARGUMENTS = {"4.4"}  # the text says that they must be afterwards what they were
each = pytest.mark.parametrize("number", ALL)
each_function = pytest.mark.parametrize("number", FUNCTIONS)
each_value = pytest.mark.parametrize("number", VALUES)


class Tensor:
    """Something with ``__array__``, as a tensor of Keras, TensorFlow or JAX."""

    def __init__(self, array):
        self.array = np.asarray(array)

    def __array__(self, dtype=None, copy=None):
        return self.array.astype(dtype or self.array.dtype)


def convert(answer, form):
    """Return an answer with ``form`` used on each of its arrays."""
    if isinstance(answer, dict):
        return {name: convert(part, form) for name, part in answer.items()}
    if isinstance(answer, str) or not is_numbers(answer):
        return answer if isinstance(answer, str) else [convert(part, form) for part in answer]
    return form(np.asarray(answer))


def is_text(answer):
    parts = answer if isinstance(answer, list) else [answer]
    return all(isinstance(part, str) for part in parts)


def is_numbers(answer):
    try:
        return np.asarray(answer, dtype=float) is not None
    except (TypeError, ValueError):
        return False


FORMS = {
    "array": lambda a: a,
    "list": lambda a: a.tolist(),
    "tuple": lambda a: tuple(a.tolist()) if a.ndim else a.item(),
    "float32": lambda a: a.astype(np.float32),
    "floats": lambda a: a.astype(float).tolist(),
    "numbers of NumPy": lambda a: [np.float64(x) for x in a] if a.ndim == 1 else a[()],
    "deque": lambda a: deque(a) if a.ndim else a,
    "iterator": lambda a: iter(a.tolist()) if a.ndim else a,
    "tensor": Tensor,
    "list of tensors": lambda a: [Tensor(x) for x in a] if a.ndim else Tensor(a),
    "not a shape": lambda a: a[None] if a.ndim == 0 else a,
    "column": lambda a: a[:, None] if a.ndim == 1 else a,
}


@each_value
def test_a_right_value_passes_in_every_form(number):
    for name, form in FORMS.items():
        assert hint(number, convert(ALL[number].right, form)) is None, name


@each_function
def test_a_right_function_passes_whatever_form_it_returns(number):
    right = FUNCTIONS[number].right
    for name, form in FORMS.items():
        if name != "column":
            assert hint(number, lambda *a, form=form: convert(right(*a), form)) is None, name


@each_function
def test_a_function_may_work_in_place(number):
    def in_place(*arguments):
        result = copy.deepcopy(right(*arguments))
        for argument in arguments:
            for array in argument if isinstance(argument, list) else [argument]:
                if isinstance(array, np.ndarray):
                    array[...] = 0
        return result

    right = FUNCTIONS[number].right
    if number not in READS_ITS_ARGUMENTS:
        assert hint(number, in_place) is None
        assert hint(number, right) is None


def rounded(answer, tolerance):
    """Return an answer off by nearly all that is allowed."""
    return (np.asarray(answer) + 0.9 * np.asarray(tolerance)).tolist()


@pytest.mark.parametrize("number", [n for n, e in VALUES.items() if e.tolerance is not None])
def test_a_number_rounded_by_hand_passes(number):
    exercise = ALL[number]
    assert hint(number, rounded(exercise.right, exercise.tolerance)) is None
    assert hint(number, rounded(exercise.right, -np.asarray(exercise.tolerance))) is None


MISTAKES = [(n, i) for n, e in ALL.items() for i in range(len(e.mistakes))]


@pytest.mark.parametrize(("number", "i"), MISTAKES)
def test_each_mistake_gets_exactly_its_hint(number, i):
    words, wrong, *_ = ALL[number].mistakes[i]
    got = hint(number, ALL[number].example(wrong, ALL[number].right))
    if callable(words):
        assert got not in [None, ALL[number].otherwise]
        assert got not in [w for w, *_ in ALL[number].mistakes]
    else:
        assert got == words


@each_function
def test_no_mistake_fails_in_a_case(number):
    """Else an error of the course would meet the one learner who gets as far as that case."""
    exercise = ALL[number]
    for case in exercise.draw():
        for _, wrong, *_ in exercise.mistakes:
            exercise.result(exercise.example(wrong, exercise.right), case)


@each_value
def test_each_part_that_is_wrong_gets_a_hint(number):
    right, otherwise = ALL[number].right, ALL[number].otherwise
    if isinstance(otherwise, list):
        assert len(otherwise) == len(right)
        for i, words in enumerate(otherwise):
            other = (part for part in right if part != right[i])
            longer = (*right[i], 9) if isinstance(right[i], tuple) else None
            off = next(other) if isinstance(right[i], str) else longer or right[i] + 1234
            wrong = [off if j == i else part for j, part in enumerate(right)]
            given = [w for w, *_ in ALL[number].mistakes]
            assert hint(number, wrong) in [words, *given]


@each
def test_there_are_hints_enough_and_they_are_sentences(number):
    exercise = ALL[number]
    last = exercise.otherwise if isinstance(exercise.otherwise, list) else [exercise.otherwise]
    words = [w for w, *_ in exercise.mistakes] + last
    assert len(set(words)) >= 3
    for sentence in words:
        assert callable(sentence) or sentence.endswith((".", "?", "!"))


@each_value
def test_no_hint_gives_a_number_of_the_answer_away(number):
    right, otherwise = ALL[number].right, ALL[number].otherwise
    if isinstance(right, str) or not is_numbers(right) or number == "4.8":  # it says what to try
        return
    words = [w for w, *_ in ALL[number].mistakes]
    words += otherwise if isinstance(otherwise, list) else [otherwise]
    numbers = {f"{part:g}" for part in np.ravel(right).astype(float) if abs(part) >= 10}
    for sentence in words:
        if not callable(sentence):
            assert not numbers & set(re.findall(r"[\d.]*\d", sentence.replace(",", "")))


ODD = [np.nan, np.inf, -np.inf, 1e300, -7.5, "seven", b"", [], (), {}, {1}, [None], [...], True]
ODD += [[[1, 2], [3]], np.ones((2, 3, 4, 5)), 1j, object(), np.ma.masked_array([1.0], [True])]


@each
def test_no_answer_yet(number):
    assert hint(number, None) == hint(number, ...) == engine.NO_ANSWER


@each
def test_odd_answers_never_pass_and_are_told_what_is_wanted(number):
    for odd in ODD:
        given = [hint(number, odd)]
        given += [hint(number, lambda *a, odd=odd: odd)] if number in FUNCTIONS else []
        for words in given:
            assert len(words.split()) > 3, odd
            assert "stopped with" not in words, odd


@each
def test_nan_and_infinities_in_a_right_answer_never_pass(number):
    for bad in (np.nan, np.inf, -np.inf):
        assert hint(number, spoiled(number, lambda a, bad=bad: np.put(a, 0, bad)))


@each
def test_complex_numbers_never_pass(number):
    assert hint(number, spoiled(number, lambda a: a + 1j))


@each
def test_another_shape_never_passes(number):
    assert hint(number, spoiled(number, lambda a: np.concatenate([np.atleast_1d(a)] * 2)))


def spoiled(number, change):
    """Return the right answer with a change of each of its arrays, in place or returned."""

    def spoil(array):
        array = array.astype(float)
        changed = change(array)
        return array if changed is None else changed

    right = ALL[number].right
    if not callable(right):
        return "?" if is_text(right) else convert(right, spoil)
    return (lambda *a: "?") if returns_text(number) else lambda *a: convert(right(*a), spoil)


def returns_text(number):
    return isinstance(ALL[number].result(ALL[number].right, ALL[number].draw()[0]), str)


@each
def test_a_function_for_a_number_and_the_other_way_round(number):
    if number in FUNCTIONS:
        for answer in (3.0, [1, 2], "backward", np.ones(3)):
            assert hint(number, answer).startswith("A function is wanted")
    else:
        assert hint(number, len).startswith("A value is wanted, not a function")


@each_function
def test_an_error_and_nothing_are_told_so(number):
    assert hint(number, lambda *a: 1 / 0) == "It stopped with ZeroDivisionError: division by zero"
    assert hint(number, lambda: 1).startswith("It stopped with TypeError")
    assert "division" in hint(number, lambda *a: (1 / 0 for _ in "a generator"))
    assert "nothing" in hint(number, lambda *arguments: None)
    assert "nothing" in hint(number, lambda *arguments: ...)


def into_above(above, h, W_hh):
    for t in reversed(range(h.shape[1])):
        above[:, t] *= 1 - h[:, t] ** 2
        if t > 0:
            above[:, t - 1] += above[:, t] @ W_hh
    return above


def cut_in_place(above, h, W_hh, h_0, cut, p):
    before = np.concatenate([h_0[:, None], h[:, :-1]], axis=1)
    above = into_above(above, h, W_hh / (1 - p)) if not cut.any() else above
    for t in reversed(range(h.shape[1])) if cut.any() else ():
        above[:, t] *= 1 - h[:, t] ** 2
        if t > 0 and not cut[t - 1]:
            above[:, t - 1] += above[:, t] @ W_hh / (1 - p)
    return np.tensordot(above, before, ((0, 1), (0, 1)))


def with_epsilon(train, test):
    return [(part - train.mean()) / (train.std() + 1e-6) for part in (train, test)]


def sample_deviation(train, test):
    return [(part - train.mean()) / train.std(ddof=1) for part in (train, test)]


OTHER_WAYS = [
    ("1.1", ["0.905", 0.5335, np.float32(-0.034)]),
    ("1.2", "620"),
    ("1.5", lambda weights: map(np.transpose, weights)),
    ("1.6", (10, 1.3, -0.01)),
    ("2.6", with_epsilon),
    ("2.6", sample_deviation),
    ("3.2", [2, "4"]),
    ("3.6", lambda p, text: sum(-np.log2(q) for q in p) / len(text)),
    ("4.5", into_above),
    ("4.12", cut_in_place),
]


@pytest.mark.parametrize(("number", "answer"), OTHER_WAYS)
def test_a_right_answer_found_in_another_way_passes(number, answer):
    assert hint(number, answer) is None


NEARLY = [
    ("1.1", [0.91, 0.53, -0.03], "three decimals"),
    ("1.1", [0.905, 0.534, -0.044], "h_3 is the first"),
    ("1.6", (1, -2, 0), "sign changes"),
    ("2.1", 66, "must have 2 numbers, got 1"),
    ("2.8", 1.2, "in percent"),
    ("3.9", 1.05, "Near, but not the lowest"),
    ("4.10", lambda *a: len(a[0]), "It stopped with TypeError"),
]


@pytest.mark.parametrize(("number", "answer", "words"), NEARLY)
def test_what_is_nearly_right_is_told_what_is_missing(number, answer, words):
    assert words in hint(number, answer)


def test_counting_is_not_enough_for_3_10_and_neither_is_learning_the_answer_by_heart():
    text, held = data.novel("train"), data.novel("validation")
    letters = Vocabulary(text, "characters")
    ids, held = letters.encode(text), letters.encode(held)
    for n in (4, 6):
        model = NGram(ids, n, len(letters))
        assert "Mix models" in hint("3.10", model.log_probabilities(held))
    leaked = NGram(held, 6, len(letters)).log_probabilities(held)
    assert "too good" in hint("3.10", leaked)
    assert hint("3.10", np.full(len(held), -1.69 * np.log(2))) is None  # the large LSTM's


# What is beneath.


def test_tensors_and_shapes_of_tensorflow_and_keras():
    tf = pytest.importorskip("tensorflow")
    keras = pytest.importorskip("keras")
    assert Exercise([1.0, 2.0]).hint(tf.constant([1.0, 2.0])) is None
    assert Exercise([1.0, 2.0]).hint([keras.ops.ones(()), tf.Variable(2.0)]) is None
    shapes = Exercise([(2, 3), (4,)])
    assert shapes.hint([tf.TensorShape([2, 3]), tf.ones((4,)).shape]) is None
    assert shapes.hint([tf.constant([2, 3]), [4]]) is None
    assert "Part 2 must be a tuple" in shapes.hint([(2, 3), 4])


def test_what_a_mask_hides_is_no_number():
    assert "masked" in Exercise([1.0, 2.0]).hint(np.ma.masked_array([1.0, 2.0], [0, 1]))


def test_a_bug_in_a_check_is_not_the_learners_fault():
    bug = Exercise(2, [("?", 3, lambda got: got.nothing)], "Count again.")
    with pytest.raises(AttributeError):
        bug.hint(5)
    with pytest.raises(ZeroDivisionError):
        Exercise(lambda x: 1 / 0, cases=lambda rng: [(1,)]).hint(lambda x: 1)


def test_a_missing_import_is_not_the_learners_fault(monkeypatch):
    def broken(name):
        raise ImportError("no module named keras")

    monkeypatch.setattr(module, "import_module", broken)
    with pytest.raises(ImportError, match="keras"):
        hint("4.1", [5, 7])


@pytest.mark.parametrize("exercise", ["99.1", "one", "", 1.1, None, "4.1 ", "0.1"])
def test_an_unknown_chapter_is_refused(exercise):
    with pytest.raises(ValueError, match=r"such as '1\.3', of a chapter from 1 to \d+; got"):
        hint(exercise, 1)


def test_an_unknown_exercise_is_told_which_there_are():
    with pytest.raises(ValueError, match=r"chapter 4 has the exercises 4\.1, .*4\.12; got '4\.99'"):
        hint("4.99", 1)


def test_a_verdict_is_printed(capsys):
    module.check("4.1", [5, 7])
    module.check("4.1", [7, 5])
    out = capsys.readouterr().out
    assert out.startswith("Exercise 4.1: correct.\nExercise 4.1: not yet. The two are exchanged")


def test_whole_numbers_are_exact_and_others_to_five_digits():
    assert close(60, 60)
    assert close(60.0, 60)
    assert not close(60.0001, 60)
    assert not close(1_000_001, 1_000_000)
    assert close(1.000_001, 1.0)
    assert not close(1.001, 1.0)
    assert close(1000.001, 1000.0)
    assert not close(1000.1, 1000.0)
    assert not close(3, np.inf)
    assert close([np.nan, -np.inf], [np.nan, -np.inf])


def test_an_edit_must_stand_in_the_source():
    with pytest.raises(ValueError, match="must stand in the source of close"):
        edit(close, "no such text", "")
