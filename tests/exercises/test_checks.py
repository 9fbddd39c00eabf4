"""The checks of all chapters: right answers pass, each common wrong one gets the hint meant for it.

The answers stand in ``test_checks_NN.py``, with what is tested in that chapter alone.
"""

import importlib
from pathlib import Path

import numpy as np
import pytest

from rnnbook.exercises import hint

# Chapter 1 has answers of another form, and tests of its own.
NUMBERS = [p.stem[-2:] for p in sorted(Path(__file__).parent.glob("test_checks_0[5-8].py"))]
CHAPTERS = {number: importlib.import_module(f"test_checks_{number}") for number in NUMBERS}
RIGHT = {e: answer for chapter in CHAPTERS.values() for e, answer in chapter.RIGHT.items()}
WRONG = [case for chapter in CHAPTERS.values() for case in chapter.WRONG]


@pytest.mark.parametrize("exercise", RIGHT)
def test_a_right_answer_passes(exercise):
    assert hint(exercise, RIGHT[exercise]) is None


@pytest.mark.parametrize(("exercise", "answer", "words"), WRONG)
def test_a_wrong_answer_gets_the_hint_meant_for_it(exercise, answer, words):
    with np.errstate(all="ignore"):
        assert words.lower() in hint(exercise, answer).lower()


@pytest.mark.parametrize("number", NUMBERS)
def test_every_exercise_has_two_wrong_answers_and_a_right_one(number):
    checks = importlib.import_module(f"rnnbook.exercises.chapter_{number}").CHECKS
    right = {*CHAPTERS[number].RIGHT, *getattr(CHAPTERS[number], "RIGHT_IN_A_TEST", ())}
    assert right == set(checks)
    for exercise in checks:
        assert sum(e == exercise for e, _, _ in WRONG) >= 2
