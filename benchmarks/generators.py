"""Small generators on the novel: how they are fed, how large they are, how long they learn.

Run ``python -m benchmarks.generators``: about 20 minutes on one core. Chapter 8 reads its table.
``--only NAME`` measures the rows whose name begins so, and saves nothing. With ``--keep FILE``
each finished row is noted in that file, and a run that was stopped goes on after them.
"""

import argparse
import json
import math
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # as in chapter 8

import keras
import numpy as np

from rnnbook import data
from rnnbook.keras import Generator, train
from rnnbook.keras.training import optimizer
from rnnbook.nn.losses import bits_per_token
from rnnbook.text import Vocabulary, shuffled_batches, tokens
from rnnbook.text.language_model import LanguageModel
from rnnbook.text.ngram import NGram
from rnnbook.text.training import train as train_numpy
from tools import report

B, T, RATE, UPDATES, START, SHORT = 40, 32, 4e-3, 800, 50, 100_000
SMALL = {"cell": "gru", "H": 32, "embedding": 32, "dropout": 0.1}
LSTM = {**SMALL, "cell": "lstm", "H": 64}
WORDS = {**SMALL, "H": 128, "embedding": 64, "dropout": 0.3}
LARGE = {**WORDS, "cell": "lstm", "H": 256}

# The name of each row: the model, and what differs from a stateful training on all characters.
ROWS = {
    **{f"GRU 32, seed {s}": (SMALL, {"seed": s}) for s in range(3)},
    **{f"windows, GRU 32, seed {s}": (SMALL, {"seed": s, "windows": True}) for s in range(3)},
    "GRU 32, rate 0.008": (SMALL, {"rate": 8e-3}),
    "windows, GRU 32, rate 0.008": (SMALL, {"rate": 8e-3, "windows": True}),
    "GRU 16": ({**SMALL, "H": 16}, {}),
    "GRU 64": ({**SMALL, "H": 64}, {}),
    **{f"GRU 2 x 32, seed {s}": ({**SMALL, "layers": 2}, {"seed": s}) for s in range(3)},
    "RNN 64": ({**LSTM, "cell": "rnn"}, {}),
    "LSTM 64": (LSTM, {}),
    "short, LSTM 64, 3 epochs": (LSTM, {"n": SHORT, "epochs": 3}),
    "short, LSTM 64": (LSTM, {"n": SHORT}),
    "short, GRU 128": ({**WORDS, "dropout": 0.0}, {"n": SHORT, "rate": 0.01, "epochs": 25}),
    "words, GRU 128, 2 epochs": (WORDS, {"unit": "words", "rate": 6e-3, "epochs": 2}),
    "words, GRU 128": (WORDS, {"unit": "words", "rate": 6e-3}),
    "GRU 128, 4 epochs": (WORDS, {"rate": 6e-3, "epochs": 4}),
    **{
        f"LSTM 256, 18 epochs, seed {s}": (
            LARGE,
            {"rate": 8e-3, "epochs": 18, "seed": s, "B": 32, "T": 64},
        )
        for s in (1, 2)
    },
}
CURVE = "short, GRU 128"  # its epochs have rows of their own
COLUMNS = [
    "model", "weights", "characters read", "epochs", "updates", "core-seconds",
    f"training bits, first {START}", "training bits, last epoch", "bits, validation", "bits, test",
]  # fmt: skip
NOTES = [
    f"Trainings of chapter 8, in Keras with TensorFlow on one thread: AdamW, {B} rows of {T} time "
    f"steps, a peak rate of {RATE:g} (GRU 128: 0.006), unless the name gives another, dropout "
    f"{SMALL['dropout']} (GRU 128: {WORDS['dropout']}); but for 25 epochs of a GRU 128 on the "
    "short text, at a rate of 0.01 and without dropout, and the LSTM 256, which has the recipe of "
    "the large model that the course brings (32 rows of 64 time steps, a peak rate of 0.008, "
    "dropout 0.3; that model is seed 0). Where the name gives no epochs, there are "
    f"as many as make {UPDATES:,} updates at least. The RNN is trained in NumPy, with the same "
    "learning rates and without dropout.",
    "**windows**: cut from the text, in a random order, each from a state of zero; all others "
    f"carry the state on. **short**: only the first {SHORT:,} characters of the training chapters "
    "are learned. **bits** are bits per character of the validation and of the test chapters, each "
    "read in one piece; for single epochs they were read in rows. Training bits are bits per "
    "token, and the mean over an epoch in which the weights change.",
    "**words**: tokens that occur five times at least; rarer ones are unknown. Their bits per "
    "character leave out what it costs to say which unknown word it is. In the rows **spelled** "
    "each unknown word is paid for too: as the 6-gram of characters spells it, with the character "
    "after it, which ends the word.",
    "One seed each where no seed is named. The validation chapters also chose the epoch that is "
    "kept, but for windows and the RNN, which keep the last. Nothing was tuned for the test "
    "chapters.",
]


def texts():
    """Return the novel's training, validation and test chapters."""
    return [data.novel(split) for split in ("train", "validation", "test")]


def encoded(unit="characters", n=None):
    """Return the vocabulary and the three parts as ids; of the first, its first n characters."""
    text, *judged = texts()
    vocabulary = Vocabulary(text, unit, 1 if unit == "characters" else 5)
    return vocabulary, [vocabulary.encode(part) for part in (text[:n], *judged)]


class Start(keras.callbacks.Callback):
    """Note the mean training loss of the first updates, in bits."""

    bits = None

    def on_train_batch_end(self, batch, logs=None):
        """Keras' loss is the mean of the epoch so far."""
        if self.bits is None and batch == START - 1:
            self.bits = logs["loss"] / math.log(2)


def fitted_on_windows(model, ids, held, epochs, rate, warmup):
    """Train on windows in a random order, and return the last epoch's bits and the start's."""
    steps, start = epochs * ((len(ids) - 1) // (B * T)), Start()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer(rate, warmup, steps, 0.05, 1.0), loss, jit_compile=False)
    for epoch in range(epochs):
        x, y = map(np.stack, zip(*shuffled_batches(ids, B, T, epoch), strict=True))
        x, y = x.reshape(-1, T), y.reshape(-1, T)
        fit = model.fit(x, y, batch_size=B, shuffle=False, verbose=0, callbacks=[start])
    return [{"training": fit.history["loss"][-1] / math.log(2)}], start.bits


def fitted_in_numpy(model, ids, held, epochs, rate, warmup):
    """Train the NumPy model by Keras' learning rates."""
    steps = epochs * ((len(ids) - 1) // (B * T))
    rates = optimizer(rate, warmup, steps, 0.05, 1.0)._learning_rate
    rates = [float(rates(s)) for s in range(steps)]
    train_numpy(model, ids, held[:20_000], steps, rate=lambda s: rates[min(s, steps - 1)],
                B=B, T=T, every=steps, progress=False)  # fmt: skip
    return [{"training": None}], None


def computed(name):
    """Return the model of a row, its history, and the row itself."""
    sizes, how = ROWS[name]
    how = {"unit": "characters", "n": None, "epochs": None, "seed": 0, "rate": RATE,
           "B": B, "T": T} | how  # fmt: skip
    vocabulary, (ids, held, test) = encoded(how["unit"], how["n"])
    per_epoch = (len(ids) - 1) // (how["B"] * how["T"])
    epochs = how["epochs"] or math.ceil(UPDATES / per_epoch)
    warmup = max(1, min(200, epochs * per_epoch // 10))  # what train takes by itself
    recipe = {"epochs": epochs, "rate": how["rate"], "warmup": warmup}
    start, spent = Start(), time.process_time()
    if sizes["cell"] == "rnn":
        model = LanguageModel(vocabulary, sizes["H"], "rnn", embedding=32, dtype="float64")
        history, begun = fitted_in_numpy(model, ids, held, **recipe)
    elif how.get("windows"):
        model = Generator(vocabulary, **sizes, seed=how["seed"])
        history, begun = fitted_on_windows(model, ids, held, **recipe)
    else:
        model = Generator(vocabulary, **sizes, seed=how["seed"])
        history = train(model, ids, held, **recipe, B=how["B"], T=how["T"], progress=False,
                        callbacks=[start])  # fmt: skip
        begun = start.bits
    spent = time.process_time() - spent
    weights = sum(w.size for w in model.parameters.values()) if sizes["cell"] == "rnn" else None
    return model, history, [
        name, weights or model.count_params(), how["n"] or len(texts()[0]), epochs,
        epochs * per_epoch, round(spent), begun, history[-1]["training"],
        *(per_character(model, part, text) for part, text in
          zip((held, test), texts()[1:], strict=True)),
    ]  # fmt: skip


def per_character(model, ids, text):
    """Return the bits per character of a text."""
    return float(bits_per_token(model.log_probabilities(ids)) * len(ids) / len(text))


def spelling(unknown):
    """Return what the unknown words cost, in bits per character of each judged text.

    ``unknown`` says of a word whether it is one. Each is spelled by a 6-gram of characters.
    """
    letters, (ids, *judged) = encoded()
    six, costs = NGram(ids, 6, len(letters)), []
    for text, part in zip(texts()[1:], judged, strict=True):
        log_p, at, cost = six.log_probabilities(part), 0, 0.0
        for token in tokens(text, "words"):
            found = text.find(token, at)
            if found < 0:  # <join> stands nowhere
                continue
            if unknown(token):
                cost -= log_p[found : found + len(token) + 1].sum()
            at = found + len(token)
        costs.append(float(cost / np.log(2) / len(text)))
    return costs


def words_counted():
    """Return the rows of the words' bigram and trigram, and the cost of spelling."""
    words, (ids, *judged) = encoded("words")
    cost, rows = spelling(lambda token: words.encode(token)[0] == 0), []
    for order, name in ((1, "unigram"), (2, "bigram"), (3, "trigram")):
        model = NGram(ids, order, len(words))
        bits = [per_character(model, p, t) for p, t in zip(judged, texts()[1:], strict=True)]
        rows.append([f"words, {name}", *[None] * 7, *bits])
    return rows, cost


def spelled(row, cost):
    """Return a row of words with the cost of the unknown ones added."""
    bits = [b + c for b, c in zip(row[-2:], cost, strict=True)]
    return [row[0].replace("words,", "words, spelled,"), *[None] * 7, *bits]


def measured(name):
    """Return the rows of a model: its own, and of the curve's model one for each epoch, too."""
    _, history, row = computed(name)
    epochs = history if name == CURVE else []
    return [row, *(
        [f"{name}, epoch {h['epoch']}", None, None, h["epoch"], None, None, None,
         h["training"], h["held_out"], None] for h in epochs
    )]  # fmt: skip


def main():
    """Measure, print the table, and save it."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", help="how the names of the wanted rows begin; saves nothing")
    parser.add_argument("--keep", type=Path, help="a file of finished rows, to go on from")
    given = parser.parse_args()
    only, keep, rows = given.only, given.keep, []
    kept = json.loads(keep.read_text("utf-8")) if keep and keep.exists() else {}
    for name in ROWS:
        if only and not name.startswith(only):
            continue
        if name not in kept:
            kept[name] = measured(name)
            print(kept[name][0], file=sys.stderr, flush=True)
            if keep:
                keep.write_text(json.dumps(kept), "utf-8")
        rows += kept[name]
    if only:
        print("\n".join(report.table(COLUMNS, rows)))
        return
    counted, cost = words_counted()
    rows += counted
    rows += [spelled(row, cost) for row in rows if row[0].startswith("words,")]
    report.save("generators", "Small generators on the novel", COLUMNS, rows, NOTES,
                ["numpy", "keras", "tensorflow-cpu"])  # fmt: skip


if __name__ == "__main__":
    main()
