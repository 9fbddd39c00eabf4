"""RNN, LSTM, GRU, TCN and Transformer on the novel: as many parameters, and as much time, for each.

Run ``python -m benchmarks.architectures``: about 7 minutes on one core. With ``--quick`` it
measures a little of each, and saves nothing.
"""

import argparse
import os
import statistics
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # as a reader's rnnbook.keras does

import keras
import numpy as np

from rnnbook import data
from rnnbook.keras import next_token_model
from rnnbook.nn.losses import bits_per_token
from rnnbook.text import Vocabulary
from rnnbook.text.ngram import NGram
from tools import report

SIZES = {"rnn": 192, "lstm": 96, "gru": 113, "tcn": 54, "transformer": 44}
NAMES = {"rnn": "RNN", "lstm": "LSTM", "gru": "GRU", "tcn": "TCN", "transformer": "Transformer"}
RATES, FIRST = (3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1), (2, 3, 4)  # the places all models try
SEEDS, TRIED, B, T, SECONDS = range(5), 1000, 32, 64, 8.0
HELD = 20_000  # characters of the validation chapters, once to choose by and once to judge
COLUMNS = [
    "model", "parameters", "rate", "bits there", "a rate lower", "a rate higher", "ms a step",
    "steps", "bits, median", "best", "worst",
]  # fmt: skip
NOTES = [
    f"Each model reads windows of {T} characters, {B} in a batch, drawn at random from the novel's "
    f"training chapters, for as many steps as take {SECONDS:.0f} seconds of processor time on one "
    "core, in Keras with TensorFlow (`tf.function`). **ms a step** is the least of 40 rounds, in "
    "which the models take turns; other programs ran beside them, so on an idle core it is less. "
    "Adam; the rate falls in a straight line to zero, and the joint norm is clipped at 1.",
    f"The peak rate of each has the fewest bits on the first {HELD:,} characters of the validation "
    f"chapters, for one seed, among {', '.join(f'{RATES[k]:g}' for k in FIRST)} and further rates "
    "until the best is no longer at an end; then five other seeds run.",
    f"**bits, median** are bits per character of these five on the next {HELD:,}, in windows that "
    "overlap by half: only the second half of each counts, so each character is predicted "
    f"from at least {T // 2} others. No model carries a state from window to window here; "
    "recurrent layers could, and gain from it.",
    "What it does not show: how these models compare with more data, more parameters, more time, "
    "or on a GPU, where a Transformer computes all steps at once. Nor was anything but the rate "
    "tuned.",
]


def windows(ids, n, rng):
    """Return inputs and targets of n windows that begin anywhere, (n, T) each."""
    first = rng.integers(0, len(ids) - T, n)[:, None] + np.arange(T + 1)
    return ids[first[:, :-1]], ids[first[:, 1:]]


def evaluated(model, ids):
    """Return the bits per character, where each prediction has at least T / 2 characters before."""
    first = np.arange(0, len(ids) - T, T // 2)[:, None] + np.arange(T + 1)
    x, y = ids[first[:, :-1]], ids[first[:, 1:]]
    logits = np.concatenate([np.asarray(model(part)) for part in np.array_split(x, 50)])[
        :, T // 2 :
    ]
    logits = logits - logits.max(axis=-1, keepdims=True)
    log_p = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
    return bits_per_token(np.take_along_axis(log_p, y[:, T // 2 :, None], -1).ravel())


def compiled(kind, V, ids):
    """Return a model that has made its first step, in which TensorFlow compiles it."""
    model = next_token_model(kind, V, SIZES[kind], T)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(global_clipnorm=1.0), loss)
    model.train_on_batch(*windows(ids, B, np.random.default_rng(0)))
    return model


def steps_in_time(models, ids, seconds, n=40):
    """Return, for each model, the seconds of a step, and how many steps take so long."""
    rng, best = np.random.default_rng(0), dict.fromkeys(models, np.inf)
    for _ in range(n):
        for kind, model in models.items():
            batch, start = windows(ids, B, rng), time.process_time()
            model.train_on_batch(*batch)
            best[kind] = min(best[kind], time.process_time() - start)
    return {kind: (one, round(seconds / one)) for kind, one in best.items()}


def fitted(model, kind, ids, rate, seed, steps):
    """Train a model from a seed."""
    keras.utils.set_random_seed(seed)
    model.set_weights(next_token_model(kind, model.output.shape[-1], SIZES[kind], T).get_weights())
    for variable in model.optimizer.variables:
        variable.assign(keras.ops.zeros_like(variable))
    rng = np.random.default_rng(seed)
    for step in range(steps):
        model.optimizer.learning_rate = rate * (1 - step / steps)
        model.train_on_batch(*windows(ids, B, rng))


def tuned(model, kind, ids, held, steps):
    """Try rates until the best is not at an end; return the bits of each, and the best's place."""
    tried, todo = {}, list(FIRST)
    while todo:
        for k in todo:
            fitted(model, kind, ids, RATES[k], TRIED, steps)
            tried[k] = float(np.nan_to_num(evaluated(model, held), nan=np.inf))
            print(f"{kind} {RATES[k]}: {tried[k]:.3f}", file=sys.stderr, flush=True)
        best = min(tried, key=tried.get)
        todo = [k for k in (best - 1, best + 1) if k not in tried and 0 <= k < len(RATES)]
    return tried, best


def row(kind, model, ids, chosen_by, held, one, steps, seeds):
    """Return one model's row of the table."""
    tried, best = tuned(model, kind, ids, chosen_by, steps)
    bits = []
    for seed in seeds:
        fitted(model, kind, ids, RATES[best], seed, steps)
        bits.append(evaluated(model, held))
        print(f"{kind} seed {seed}: {bits[-1]:.3f}", file=sys.stderr, flush=True)
    around = [tried.get(k) for k in (best, best - 1, best + 1)]
    return [NAMES[kind], model.count_params(), RATES[best], *around, 1e3 * one, steps,
            statistics.median(bits), min(bits), max(bits)]  # fmt: skip


def main():
    """Measure all models, print the table, and save it."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a few seconds each; saves nothing")
    seconds, seeds = (2.0, (0,)) if parser.parse_args().quick else (SECONDS, SEEDS)
    text, held_text = data.novel("train"), data.novel("validation")
    letters = Vocabulary(text, "characters")
    ids, V = letters.encode(text), len(letters)
    chosen_by, held = np.split(letters.encode(held_text)[: 2 * HELD], 2)
    models = {kind: compiled(kind, V, ids) for kind in SIZES}
    rows = []
    for kind, (one, steps) in steps_in_time(models, ids, seconds).items():
        rows.append(row(kind, models[kind], ids, chosen_by, held, one, steps, seeds))
    bits = bits_per_token(NGram(ids, 5, V).log_probabilities(held))
    rows.append(["5-gram, by counting", *[None] * 7, bits, None, None])
    if seeds != SEEDS:
        print("\n".join(report.table(COLUMNS, rows)))
        return
    title = "Five architectures, equal parameters, equal time"
    report.save("architectures", title, COLUMNS, rows, NOTES, ["numpy", "keras"])


if __name__ == "__main__":
    main()
