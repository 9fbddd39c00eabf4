"""RNN, LSTM, GRU, TCN and Transformer on the novel: as many parameters, and as much time, for each.

Run ``python -m benchmarks.architectures``: about 8 minutes on one core. With ``--quick`` it
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
RATES = (3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1)
FIRST = (2, 3)  # places of the rates that all models try
SEEDS, B, T, SECONDS = range(5), 32, 64, 8.0
HELD = 20_000  # characters of the validation chapters, and as many more to choose the rate on
COLUMNS = ["model", "parameters", "rate", "ms a step", "steps", "bits, median", "best", "worst"]
NOTES = [
    f"Each model reads windows of {T} characters, {B} in a batch, drawn at random from the novel's "
    f"training chapters, in Keras with TensorFlow (`tf.function`), for as many steps as take "
    f"{SECONDS:.0f} seconds of processor time on one core: **ms a step** is the median over 50 "
    "rounds in which the models take turns. Adam; the rate falls in a straight line to zero, and "
    "the joint norm is clipped at 1. The peak rate of each is the best, for one seed and on the "
    f"second {HELD:,} characters of the validation chapters, of 0.003, 0.01 and further ones, "
    "tried until the best is no longer at an end; then five other seeds run.",
    f"**bits** are bits per character on the first {HELD:,} of the validation chapters, in windows "
    "that overlap by half: only the second half of each counts, so each character is predicted "
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


def step_seconds(models, ids, rounds):
    """Return the median of processor time for a step of each model; they take turns."""
    x, y = windows(ids, B, np.random.default_rng(0))
    times = {kind: [] for kind in models}
    for _ in range(rounds):
        for kind, model in models.items():
            start = time.process_time()
            model.train_on_batch(x, y)
            times[kind].append(time.process_time() - start)
    return {kind: statistics.median(each) for kind, each in times.items()}


def fitted(model, kind, ids, rate, seed, steps):
    """Train a model from a seed for so many steps."""
    keras.utils.set_random_seed(seed)
    model.set_weights(next_token_model(kind, model.output.shape[-1], SIZES[kind], T).get_weights())
    for variable in model.optimizer.variables:
        variable.assign(keras.ops.zeros_like(variable))
    rng = np.random.default_rng(seed)
    for step in range(steps):
        model.optimizer.learning_rate = rate * (1 - step / steps)
        model.train_on_batch(*windows(ids, B, rng))


def tuned(model, kind, ids, chosen_on, steps):
    """Return the best peak rate: more are tried until it is not at an end of those tried."""
    tried, todo = {}, list(FIRST)
    while todo:
        for k in todo:
            fitted(model, kind, ids, RATES[k], 1000, steps)
            tried[k] = evaluated(model, chosen_on)
            print(f"{kind} {RATES[k]}: {tried[k]:.3f}", file=sys.stderr, flush=True)
        best = min(tried, key=tried.get)
        todo = [k for k in (best - 1, best + 1) if k not in tried and 0 <= k < len(RATES)]
    return RATES[best]


def row(model, kind, ids, held, cost, seconds, seeds):
    """Return one model's row of the table."""
    steps, bits = round(seconds / cost), []
    rate, held = tuned(model, kind, ids, held[HELD:], steps), held[:HELD]
    for seed in seeds:
        fitted(model, kind, ids, rate, seed, steps)
        bits.append(evaluated(model, held))
        print(f"{kind} {rate} seed {seed}: {bits[-1]:.3f}", file=sys.stderr, flush=True)
    return [NAMES[kind], model.count_params(), rate, 1e3 * cost, steps,
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
    ids, held, V = letters.encode(text), letters.encode(held_text)[: 2 * HELD], len(letters)
    models = {kind: compiled(kind, V, ids) for kind in SIZES}
    cost = step_seconds(models, ids, 5 if seeds != SEEDS else 50)
    rows = [row(m, k, ids, held, cost[k], seconds, seeds) for k, m in models.items()]
    bits = bits_per_token(NGram(ids, 5, V).log_probabilities(held[:HELD]))
    rows.append(["5-gram, by counting", *[None] * 4, bits, None, None])
    if seeds != SEEDS:
        print("\n".join(report.table(COLUMNS, rows)))
        return
    title = "Five architectures, equal parameters, equal time"
    report.save("architectures", title, COLUMNS, rows, NOTES, ["numpy", "keras"])


if __name__ == "__main__":
    main()
