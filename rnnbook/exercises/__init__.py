"""The exercises of the chapters, and what says whether an answer is right, or where to look.

A chapter's exercises stand in a module of their own, ``chapter_01`` and so on: its
``EXERCISES`` maps a number to an :class:`Exercise`, which keeps the right answer, the common
mistakes, each with its hint, and the cases on which a function is tried.
"""

import re
import textwrap
from importlib import import_module
from pathlib import Path

from rnnbook.exercises.engine import Exercise

__all__ = ["Exercise", "chapters", "check", "exercises", "hint"]


def check(exercise: str, answer: object) -> None:
    """Print whether an answer is right, or a hint that does not give it away.

    Parameters
    ----------
    exercise : str
        The exercise's number.
    answer : object
        A number, list, array, text or function, as the exercise asks.

    Examples
    --------
    >>> check("1.2", 620)
    Exercise 1.2: correct.
    """
    words = hint(exercise, answer)
    verdict = "correct." if words is None else f"not yet. {words}"
    print(textwrap.fill(f"Exercise {exercise}: {verdict}", 76))


def hint(exercise: str, answer: object) -> str | None:
    """Return None where an answer is right, and the hint where it is not.

    What a learner's function raises becomes a hint; what the course's own code raises does not.

    Parameters
    ----------
    exercise : str
        The exercise's number.
    answer : object
        The answer.

    Examples
    --------
    >>> hint("1.2", 220)
    'That is a dense layer. What about the weights from state to state?'
    """
    number = re.fullmatch(r"(\d+)\.\d+", exercise) if isinstance(exercise, str) else None
    chapter = int(number[1]) if number else None
    if chapter not in chapters():
        raise ValueError(
            f"exercise must be a number such as '1.3', of a chapter from {chapters()[0]} to "
            f"{chapters()[-1]}; got {exercise!r}"
        )
    known = exercises(chapter)
    if exercise not in known:
        raise ValueError(
            f"chapter {chapter} has the exercises {', '.join(known)}; got {exercise!r}"
        )
    return known[exercise].hint(answer)


def chapters() -> list[int]:
    """Return the numbers of the chapters that have exercises.

    Examples
    --------
    >>> chapters()[0]
    1
    """
    return sorted(int(path.stem[-2:]) for path in Path(__file__).parent.glob("chapter_??.py"))


def exercises(chapter: int) -> dict[str, Exercise]:
    """Return the exercises of a chapter: number -> exercise.

    Parameters
    ----------
    chapter : int
        The chapter's number.

    Examples
    --------
    >>> len(exercises(1))
    8
    """
    return import_module(f"rnnbook.exercises.chapter_{chapter:02d}").EXERCISES
