"""How many units a plain net needs to beat a table of counts: the control of chapter 3.

Run ``python -m benchmarks.units``: a quarter of an hour on one core. It saves its table for the
book, and the weights and the story of the chapter's net in ``data/weights``; then run ``python -m
tools.manifest``.
"""

import json
import time

import numpy as np

from benchmarks.steps import alone
from rnnbook import data
from rnnbook.nn.losses import cross_entropy
from rnnbook.nn.optimizers import Adam, warmup_cosine
from rnnbook.nn.training import fit
from rnnbook.text import Vocabulary, checkpoints, stateful_batches
from rnnbook.text.language_model import KIND, VERSION, LanguageModel
from rnnbook.text.ngram import NGram
from tools import report

B, T, EPOCHS, WARMUP, D, ORDER = 32, 32, 8, 200, 16, 6
RATES = (2e-3, 4e-3, 8e-3, 16e-3)  # at the peak
SIZES, NET = (128, 256, 512), 256
AGAIN = (1, 2)  # seeds with which the chapter's net is trained once more, at its best rate
SPANS, FALSE, PLACES = (8, 32), 30, 4000  # true characters, after so many false ones, where
LOOKS = 100, 300, 1000, 4000  # training steps after which the net writes
COLUMNS = ["units", "weights", "peak rate", "seed", "bits held out"]
COLUMNS += [f"more than the {ORDER}-gram", "standard error"]
COLUMNS += [*(f"bits after {k}" for k in SPANS), "processor seconds"]
NOTES = [
    f"The plain net of chapter 3: embedding {D}, B = {B}, T = {T}, Adam, {WARMUP} steps up,"
    f" then a cosine, gradients clipped at 1, {EPOCHS} epochs in float32, no dropout. The "
    "sizes differ in their units only, and each has the same peak rates to choose from, on "
    f"the validation chapters, with seed 0. The last rows are the {NET} units at their best rate "
    "with other seeds: their spread is what one training leaves to chance.",
    "Bits are per character of the validation chapters, read in one piece. The difference from the "
    f"{ORDER}-gram, the best table of counts there, is a mean over blocks of 500 characters, with "
    "its standard error.",
    f"Bits after 8 and after 32 are those of {PLACES:,} places, where the net reads so many true "
    f"characters after {FALSE} from somewhere else. What 32 save over 8 is what the net knows from "
    "further back.",
]


class Task:
    """The novel's characters, and what counting gives."""

    def __init__(self):
        text, held = data.novel("train"), data.novel("validation")
        self.letters = Vocabulary(text, "characters")
        self.ids, self.held = self.letters.encode(text), self.letters.encode(held)
        table = NGram(self.ids, ORDER, len(self.letters))
        self.counted = table.log_probabilities(self.held)

    def run(self, H, peak, seed):
        """Return a trained net, the bits of each training step, and what it wrote on the way."""
        net = LanguageModel(self.letters, H, "rnn", embedding=D, seed=seed)
        batches = list(stateful_batches(self.ids, B, T))
        rate, optimizer = warmup_cosine(peak, EPOCHS * len(batches), WARMUP), Adam()
        losses, written = [], {}
        for start in range(0, EPOCHS * len(batches), len(batches)):

            def look(step, start=start):
                if start + step in LOOKS:
                    written[start + step] = net.generate(200, "The games ")

            def now(step, start=start):
                return rate(start + step)

            # an epoch begins as fit does, with a state of zero
            losses.append(
                fit(net, batches, cross_entropy, optimizer, now, 1.0, carry=True, after_step=look)
            )
        bits = [round(float(loss / np.log(2)), 4) for loss in np.concatenate(losses)]
        return net, bits, written

    def after(self, net, k):
        """Return the bits of a character after k true ones, and before them false ones."""
        places = np.linspace(200, len(self.held) - 1, PLACES).astype(int)
        false = np.roll(places, PLACES // 2)[:, None] + np.arange(-FALSE, 0)
        read = self.held[np.hstack([false, places[:, None] + np.arange(-k, 0)])]
        logits = [net.forward(part)[0][:, -1] for part in read.reshape(-1, 500, FALSE + k)]
        return cross_entropy(np.concatenate(logits), self.held[places])[0] / np.log(2)

    def row(self, H, peak, seed=0):
        """Return a line of the table, and what :meth:`run` returns."""
        start = time.process_time()
        run = self.run(H, peak, seed)
        seconds = time.process_time() - start
        log_p = run[0].log_probabilities(self.held)
        more = (self.counted - log_p) / np.log(2)
        blocks = more[: len(more) // 500 * 500].reshape(-1, 500).mean(axis=1)
        error = blocks.std(ddof=1) / len(blocks) ** 0.5
        weights = sum(a.size for a in run[0].parameters.values())
        figures = [-log_p.mean() / np.log(2), more.mean(), error]
        figures += [self.after(run[0], k) for k in SPANS] + [seconds]
        print(f"{H} units, rate {peak}, seed {seed}: {figures[0]:.3f} bits", flush=True)
        return [H, weights, peak, seed, *map(float, figures)], run


def store(net, bits, written):
    """Write the chapter's net in float16, and its story."""
    folder = data.FOLDER / "weights"
    arrays = {name: array.astype(np.float16) for name, array in net.parameters.items()}
    words = {"configuration": net.configuration | {"dtype": "float64"}}
    words |= {"tokens": net.tokens, "unit": net.unit}
    checkpoints.save(folder / "plain-rnn.npz", KIND, VERSION, arrays, words)
    story = {"written": written, "training_bits": bits}
    content = json.dumps(story, ensure_ascii=False) + "\n"
    (folder / "plain-rnn.json").write_text(content, encoding="utf-8", newline="\n")


def best(found):
    """Return the row of the chapter's size with the fewest bits, and its run; seed 0 alone."""
    return min((f for f in found if f[0][0] == NET and f[0][3] == 0), key=lambda f: f[0][4])


def finish(found):
    """Save the table, and the net of the chapter."""
    rows = [row for row, _ in found]
    store(*best(found)[1])
    report.save("units", "Units against counts", COLUMNS, rows, NOTES)


def main():
    """Print the table, and save it and the net."""
    if alone("benchmarks.units", 1):
        task = Task()
        found = [task.row(H, peak) for H in SIZES for peak in RATES]
        finish(found + [task.row(NET, best(found)[0][2], seed) for seed in AGAIN])


if __name__ == "__main__":
    main()
