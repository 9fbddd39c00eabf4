"""The checks of chapter 2, Unfolding."""

import numpy as np

from rnnbook.exercises._old import Hint, array_of, close


def check_parameters(answer):
    """2.1: the parameters of a layer with 4 features and 6 units, at T = 5 and T = 500."""
    counts = array_of(answer, (2,), "The answer")
    if counts[1] > counts[0]:
        raise Hint("More steps, more parameters? The copies of the graph share something.")
    if close(counts, 60):
        raise Hint("The two matrices are right. What else does each neuron have?")
    if close(counts, 30):
        raise Hint("These are the weights of the inputs. The state comes in through weights too.")
    if not close(counts, 66):
        raise Hint("Write down the shapes of W_xh, W_hh and b_h, and add up their numbers.")


def check_states(answer):
    """2.2: three states of the linear neuron."""
    states = array_of(answer, (3,), "The answer")
    if close(states, [2, 0, 6]):
        raise Hint("Each state is computed as if it were the first: what comes from the left?")
    if close(states, [2, 2, 8]):
        raise Hint("The state before arrives at full size; it has a weight too.")
    if close(states, [2.5, 1.25, 6.625]):
        raise Hint("The first state is too large: h_0 is 0.")
    if not close(states, [2, 1, 6.5]):
        raise Hint("Go one circle at a time: half of the circle at the left, plus twice the input.")


def check_shapes(answer):
    """2.3: four output shapes."""
    try:
        shapes = [tuple(int(n) for n in shape) for shape in answer]
    except (TypeError, ValueError):
        raise Hint("A list of four tuples of whole numbers is wanted.") from None
    if len(shapes) != 4:
        raise Hint(f"Four shapes are wanted, got {len(shapes)}.")
    if shapes[:2] == [(32, 20, 16), (32, 16)]:
        raise Hint("(a) and (b) are exchanged: what does return_sequences return?")
    if (20 in shapes[0]) or shapes[0] == (16,):
        raise Hint("(a) gives one vector for each sequence of the batch, at its end.")
    if shapes[1] != (32, 20, 16):
        raise Hint("(b) gives a vector of 16 at each of the 20 steps, for each sequence.")
    if shapes[2] == (32, 5):
        raise Hint("(c): Dense changes the last axis only; the time axis stays.")
    if shapes[3] == (32, 16, 12):
        raise Hint("(d): the axes stand in the order batch, time, features.")
    wanted = [(32, 16), (32, 20, 16), (32, 20, 5), (32, 12, 16)]
    for letter, got, right in zip("abcd", shapes, wanted, strict=True):
        if got != right:
            raise Hint(f"({letter}) is not right yet: which axes has it, and how long is each?")


def check_scan(states):
    """2.4: the states of any recurrence, as a list."""
    rng = np.random.default_rng(0)
    for T in (1, 2, 7):
        a, inputs, h_0 = rng.normal(size=(2, 2)), list(rng.normal(size=(T, 2))), rng.normal(size=2)

        def rule(h_prev, x_t, a=a):
            return np.tanh(a @ h_prev - 2 * x_t)

        wanted = [rule(h_0, inputs[0])]
        for x_t in inputs[1:]:
            wanted.append(rule(wanted[-1], x_t))
        _compare_states(states(rule, inputs, h_0), wanted, h_0, rule, inputs)


def _compare_states(got, wanted, h_0, rule, inputs):
    T = len(wanted)
    if got is None or got is Ellipsis:
        raise Hint("It returns nothing: is a return missing?")
    got = np.asarray(list(got), dtype=float)
    if got.shape == (T + 1, 2) and close(got[0], h_0):
        raise Hint(f"{T + 1} states for {T} inputs: h_0 is the state of no step.")
    if got.shape == (2,) and close(got, wanted[-1]):
        raise Hint("This is the last state only; the ones before are wanted too.")
    if got.shape != (T, 2):
        raise Hint(f"For {T} inputs of size 2 it gives shape {got.shape}; ({T}, 2) is wanted.")
    if close(got, [rule(h_0, x_t) for x_t in inputs]) and T > 1:
        raise Hint("Right shape, but h_0 was used at every step.")
    if not close(got[0], wanted[0]):
        raise Hint("The first state is not f(h_0, x_1): check the start, and the order inside f.")
    if not close(got, wanted):
        raise Hint("The first state is right, a later one is not: what does f get at step 2?")


def check_skill(skill):
    """2.5: skill over persistence."""
    rng = np.random.default_rng(0)
    for n in (5, 30):
        series, truth = (s := rng.normal(3, 1, n + 1).cumsum()), s[1:]
        forecast = truth + rng.normal(size=n)
        error = ((forecast - truth) ** 2).mean()
        naive = ((series[:-1] - truth) ** 2).mean()
        got = float(array_of(skill(series, forecast), (), "The skill"))
        _compare_skill(got, error, naive, series, forecast)


def _compare_skill(got, error, naive, series, forecast):
    shifted = ((forecast - series[:-1]) ** 2).mean()
    if not np.isfinite(got):
        raise Hint("It divides by zero: persistence is made to look perfect. Which value is last?")
    if close(got, error / naive):
        raise Hint("This is the ratio of the errors: it gives 0 to a perfect forecast, not 1.")
    if close(got, 1 - shifted / naive):
        raise Hint("The forecast is compared with the values it was made from, one step too early.")
    mean = series.mean(), series[1:].mean(), series[:-1].mean()
    if any(close(got, 1 - error / ((m - series[1:]) ** 2).mean()) for m in mean):
        raise Hint("This is the skill over the mean; persistence is another baseline.")
    if close(got, 1 - np.sqrt(error / naive)):
        raise Hint("The squared errors are compared, not their roots.")
    if not close(got, 1 - error / naive):
        raise Hint("Write down truth, forecast and naive forecast for one year, then compare.")


def check_scale(scale):
    """2.6: scaling by the training part alone."""
    rng = np.random.default_rng(0)
    for sd in (2, 5):
        train, test = rng.normal(10, sd, 40), rng.normal(14, 2 * sd, 25)
        kept = train.copy(), test.copy()
        got = scale(train, test)
        if not (isinstance(got, tuple | list) and len(got) == 2):
            raise Hint("Two arrays are wanted: the scaled training part and the scaled test part.")
        a, b = array_of(got[0], (40,), "The first part"), array_of(got[1], (25,), "The second part")
        if not (close(train, kept[0]) and close(test, kept[1])):
            raise Hint("It changes the arrays it was given: return new ones.")
        _compare_scaled(a, b, train, test)


def _compare_scaled(a, b, train, test):
    both = np.concatenate([train, test])
    if close(a, (train - both.mean()) / both.std()):
        raise Hint("The test part had a say in the mean or in the standard deviation.")
    if close(a, train - train.mean()):
        raise Hint("The mean is 0, the standard deviation is not 1 yet.")
    if not (close(a.mean(), 0) and close(a.std(), 1, 0.02)):
        raise Hint(f"The training part has mean {a.mean():.2f} and deviation {a.std():.2f}.")
    if close(b, (test - test.mean()) / test.std()):
        raise Hint("Each part got a scale of its own: a rise from one to the other is erased.")
    wanted = [(test - train.mean()) / train.std(ddof=d) for d in (0, 1)]
    if not any(close(b, w) for w in wanted):
        raise Hint("The training part is right; the test part needs the very same two numbers.")


def check_teacher(teacher_inputs):
    """2.7: the one-hot past."""
    rng = np.random.default_rng(0)
    for B, T, V in ((1, 3, 4), (5, 6, 3)):
        y = rng.integers(0, V, (B, T))
        got = array_of(teacher_inputs(y, V), (B, T, V), "The past")
        code = np.eye(V)[y]
        wanted = np.zeros((B, T, V))
        wanted[:, 1:] = code[:, :-1]
        if close(got, code):
            raise Hint("Nothing was moved: each step would be told its own answer.")
        if close(got[:, :-1], code[:, 1:]):
            raise Hint("Moved the wrong way: each step would be told the answer of the next.")
        if close(got[:, 1:], wanted[:, 1:]) and not close(got[:, 0], 0):
            raise Hint("All steps but the first are right: what is known before the first answer?")
        if not close(got, wanted):
            raise Hint("Take V = 3 and y = [[0, 1, 2]], and write the three rows down by hand.")


def check_spoken(answer):
    """2.8: the accuracy once the output shows what must be remembered."""
    accuracy = float(array_of(answer, (), "The accuracy"))
    if accuracy > 1:
        raise Hint("An accuracy lies between 0 and 1: is this in percent?")
    if accuracy < 0.1:
        raise Hint("Below chance: does the net answer 'blank' where the symbol is asked for?")
    if accuracy < 0.4:
        raise Hint("That is chance: what does the output say at the steps in between?")
    if accuracy < 0.9:
        raise Hint("On the way. Train on more sequences, and ask for the symbol at every step.")


def check_reverse(reverse):
    """2.9: the encoder-decoder on fresh sequences."""
    digits = np.random.default_rng(12345).integers(0, 5, (500, 4))
    got = array_of(reverse(np.eye(5)[digits]), (500, 4), "The answer")
    right = (got == digits[:, ::-1]).mean(axis=0)
    if (got == digits).mean() > 0.9:
        raise Hint("These are the digits in the order in which they came: reverse the targets.")
    if (got == got[0]).all():
        raise Hint("It gives the same answer to every sequence: does the decoder get the state?")
    if right.mean() < 0.3:
        raise Hint("That is about chance, which is 1 in 5: train longer, or on more sequences.")
    if right.mean() < 0.9:
        where = ", ".join(f"{r:.2f}" for r in right)
        raise Hint(f"Accuracy by position: {where}. More units, or more training, will help.")


def check_predicted(answer):
    """2.10: parameters, multiplications, and the first state below one half."""
    parameters, products, step = array_of(answer, (3,), "The answer")
    if parameters == 36:
        raise Hint("You counted every copy's weights: are they other numbers in each?")
    if parameters == 2:
        raise Hint("The neuron has a third parameter, which multiplies nothing.")
    if parameters != 3:
        raise Hint("First number: which numbers would training change?")
    if products == 12:
        raise Hint("Each copy multiplies its state before; what else does it multiply?")
    if products != 24:
        raise Hint("Second number: count for one copy, then for all.")
    if step == 4:
        raise Hint("Close: read the fourth state again, to three places.")
    if step in (0, 13):
        raise Hint("A weight of 1 would keep the state; but what does tanh do to it, every step?")
    if step != 5:
        raise Hint("Third number: take tanh of 1, then of what you got, and so on.")


CHECKS = {
    "2.1": check_parameters,
    "2.2": check_states,
    "2.3": check_shapes,
    "2.4": check_scan,
    "2.5": check_skill,
    "2.6": check_scale,
    "2.7": check_teacher,
    "2.8": check_spoken,
    "2.9": check_reverse,
    "2.10": check_predicted,
}
