"""Hidden Markov models against recurrent nets: chapter 6's contests, each side with its controls.

Run ``python -m benchmarks.contests``: half an hour of one core, estimated. Chapter 6 reads
the table, and runs a few of its rows again.
"""

import time

import numpy as np

from benchmarks.steps import alone
from rnnbook import data
from rnnbook.data import tasks
from rnnbook.exercises.chapter_06 import spoken
from rnnbook.hmm import HMM
from rnnbook.nn import layers
from rnnbook.nn.feedforward import Dense, Embedding
from rnnbook.nn.losses import bits_per_token, cross_entropy
from rnnbook.nn.optimizers import Adam
from rnnbook.nn.training import Stack, fit
from rnnbook.text import Vocabulary, training
from rnnbook.text.language_model import LanguageModel
from rnnbook.text.ngram import NGram
from tools import report

SEEDS, TRIALS = range(5), (5, 6)
COLUMNS = [
    "contest", "size", "side", "tried", "chosen", *(f"seed {seed}" for seed in SEEDS), "seconds",
]  # fmt: skip
NOTES = [
    "**casino**: thousandths of a bit a roll above the true model, on 20,000 test rolls. Each "
    "seed is a night of its own: *size* rolls to learn from, a quarter as many to choose with. "
    "Each setting (states, units, order) is started once, the best one twice more; validation "
    "picks the start, the setting and the moment to stop.",
    "**memory**: accuracy on the bits asked for. *size* is bits and steps. *RNN* tries gains of "
    "the first recurrent matrix, 32 units, 400 steps of training, 1,000 streams; five trial "
    "seeds choose. One row has five seeds that no choice had seen. *Baum–Welch* learns from the "
    "same streams; *chosen* is its number of states and of rounds, and nothing is tuned.",
    "**speech**: accuracy on who speaks, test chapters; *size* is tokens to learn from, and a "
    "quarter as many to choose with. *HMM* learns by counting; its settings are the extra states "
    "and the smoothing. **characters**: bits a character on 20,000 of the test chapters; *size* is "
    "characters to learn from, and a quarter as many to choose with. In both, two trial seeds "
    "choose the setting, and validation the moment to stop.",
    "*tried* has each setting with its mean on validation, where one trial served all five seeds. "
    "*seconds* are processor time of one training at the chosen setting. For the saved table the "
    "contests ran in parts, side by side on a busy machine, and were put together: the seconds are "
    "too long, and not all by the same factor. What was not tuned, on "
    "either side: learning rates, smoothing of Baum–Welch, and what else the code fixes.",
]


def bits(model, ids):
    """Return a model's bits per token."""
    return bits_per_token(model.log_probabilities(ids))


def learn_hmm(ids, valid, V, N, seed, rounds=15, looks=6):
    """Return the best of the models of Baum–Welch: its bits on the validation tokens, and it."""
    model, tried = HMM.random(N, V, seed), []
    for _ in range(looks):
        model, _ = model.baum_welch([ids], rounds, smoothing=0.01)
        tried.append((bits(model, valid), model))
    return min(tried, key=lambda pair: pair[0])


def learn_rnn(ids, valid, V, H, seed, steps=300, every=20, rate=0.02, T=20):
    """Return the best of the nets of a training, as :func:`learn_hmm` does."""
    model = LanguageModel(V, H, "rnn", seed=seed, dtype="float64")
    B = max(1, min(32, len(ids) // T // 2))
    history = training.train(
        model, ids, valid, steps, rate=rate, optimizer=Adam(), B=B, T=T, every=every, progress=False
    )
    return min(row["held_out"] for row in history), model


def learn_ngram(ids, valid, V, order, seed):
    """Return the n-gram model, as :func:`learn_hmm` does."""
    model = NGram(ids, order, V)
    return bits(model, valid), model


LEARN = {"HMM": learn_hmm, "RNN": learn_rnn, "n-gram": learn_ngram}


def row(contest, size, side, tried, chosen, found, seconds):
    """Return a row of the table, and print it."""
    line = [contest, size, side, tried, chosen, *map(float, found), seconds]
    print(*(report.shown(value) for value in line), sep=" | ", flush=True)
    return line


# ----- Contest 1: the casino

CASINO = HMM([2 / 3, 1 / 3], [[0.95, 0.05], [0.1, 0.9]], [[1 / 6] * 6, [0.1] * 5 + [0.5]])
DICE = {
    "HMM": ((1, 2, 3, 4, 6, 8), {"rounds": 1, "looks": 60}, {}),
    "RNN": ((1, 2, 4, 8, 16), {"steps": 100, "every": 5}, {}),
    "n-gram": ((1, 2, 3, 4), {}, {}),
}


def play(side, n, seed):
    """Return what one night teaches: the model, its setting and the seconds of one training."""
    settings, *recipes = DICE[side]
    rolls, learn, recipe = CASINO.sample(n + n // 4, seed=seed), LEARN[side], recipes[n > 1000]
    trained = []

    def once(setting, attempt):
        first = time.process_time()
        mark, model = learn(rolls[:n], rolls[n:], 6, setting, 10 * seed + attempt, **recipe)
        trained.append((mark, model, setting, time.process_time() - first))

    for setting in settings:
        once(setting, 0)
    best = min(trained, key=lambda run: run[0])[2]
    for attempt in () if side == "n-gram" else (1, 2):
        once(best, attempt)
    return min(trained, key=lambda run: run[0])[1:]


def casino(sizes=(100, 1_000, 10_000, 40_000)):
    """Yield the rows of contest 1."""
    test = CASINO.sample(20_000, seed=10**6)
    floor = bits(CASINO, test)
    for n in sizes:
        for side, (settings, *_) in DICE.items():
            nights = [play(side, n, seed) for seed in SEEDS]
            found = [1000 * (bits(model, test) - floor) for model, _, _ in nights]
            chosen = " ".join(str(setting) for _, setting, _ in nights)
            seconds = float(np.mean([spent for _, _, spent in nights]))
            yield row(
                "casino", f"{n:,}", side, ", ".join(map(str, settings)), chosen, found, seconds
            )


# ----- Contest 2: remember k bits for some steps

GAINS = (1.0, 1.2, 1.4, 1.6, 1.8, 2.0, 2.2)


def streams(B, k, lag, seed):
    """Return the copying task as streams of four tokens."""
    x, y = tasks.copying(B, symbols=k, V=2, lag=lag, seed=seed)
    ids = x.argmax(axis=2)
    ids[:, -k:] = y[:, -k:]
    return ids


def recalled(predict, ids, k):
    """Return the share of the bits that a model says right."""
    return (predict(ids)[:, -k:].argmax(axis=2) == ids[:, -k:]).mean()


def rnn_recalls(k, lag, seed, gain, steps=400):
    """Return the accuracy of an RNN of 32 units."""
    ids = streams(1_000, k, lag, seed)
    layer, dense = layers.RNN(4, 32, seed, dtype="float64"), Dense(32, 4, seed, "float64")
    layer.weights["W_hh"][:] *= gain
    net, drawn = Stack(recurrent=layer, dense=dense), np.random.default_rng(seed)
    rows = drawn.integers(0, len(ids), (steps, 32))
    batches = ((ids[i, :-1], ids[i, 1:]) for i in rows)
    fit(net, batches, cross_entropy, Adam(), rate=2e-3, clip=1.0)
    return recalled(lambda x: net.forward(x[:, :-1])[0], streams(300, k, lag, 10**6), k)


def hmm_recalls(k, seed, N, rounds, lag=5):
    """Return the accuracy of an HMM that Baum–Welch found."""
    hmm, _ = HMM.random(N, 4, seed).baum_welch(
        list(streams(1_000, k, lag, seed)), rounds, smoothing=1e-3
    )
    asked = streams(300, k, lag, 10**6)
    tables = hmm.transitions @ hmm.emissions
    return recalled(lambda x: np.array(hmm.filter([r[:-1] for r in x])) @ tables, asked, k)


def memory():
    """Yield the rows of contest 2."""
    yield from nets_remember()
    yield from baum_welch_remembers()


def nets_remember():
    """Yield the rows of the RNN."""
    for k, lag in ((2, 5), (4, 5), (8, 5), (2, 10), (2, 20), (2, 40), (2, 80)):
        means = [np.mean([rnn_recalls(k, lag, s, gain) for s in range(5, 10)]) for gain in GAINS]
        gain, tried = GAINS[int(np.argmax(means))], worded(GAINS, means)
        start = time.process_time()
        found = [rnn_recalls(k, lag, seed, gain) for seed in SEEDS]
        seconds, size = (time.process_time() - start) / 5, f"{k} bits, {lag} steps"
        yield row("memory", size, "RNN", tried, str(gain), found, seconds)
        if lag == 40:  # the rule was changed after SEEDS had been seen; these had not
            found = [rnn_recalls(k, lag, seed, gain) for seed in range(10, 15)]
            yield row("memory", size, "RNN, seeds 10 to 14", None, str(gain), found, seconds)


def baum_welch_remembers():
    """Yield the rows of Baum–Welch, with the states needed, and twice and four times as many."""
    for k, needed in ((1, 8), (2, 22)):
        for N in (needed, 2 * needed, 4 * needed):
            for rounds in (50, 500):
                start = time.process_time()
                found = [hmm_recalls(k, seed, N, rounds) for seed in SEEDS]
                spent, chosen = (time.process_time() - start) / 5, f"{N} states, {rounds} rounds"
                size = f"{k} bits, 5 steps"
                yield row("memory", size, "Baum–Welch", None, chosen, found, spent)


def worded(settings, means):
    """Return each setting with its mean on validation."""
    pairs = zip(settings, means, strict=True)
    return ", ".join(f"{setting}: {report.shown(float(mean))}" for setting, mean in pairs)


# ----- Contest 3: who speaks?

T = 100
STATES = ("", "first", "first, last")
COUNTED = [(states, smoothing) for states in STATES for smoothing in (0.1, 1.0, 10.0)]
LABELS = np.array([0, 1, 2, 1, 0, 1, 0])  # of the states


def windows():
    """Return x and y of each split, cut into windows, and the size of the vocabulary."""
    parts = {split: spoken(data.novel(split)) for split in ("train", "validation", "test")}
    names, counts = np.unique(parts["train"][0], return_counts=True)
    known = {word: i for i, word in enumerate(names[counts >= 3], start=1)}
    cut = {}
    for split, (words, labels) in parts.items():
        n = len(words) // T * T
        ids = np.array([known.get(word, 0) for word in words])
        cut[split] = ids[:n].reshape(-1, T), labels[:n].reshape(-1, T)
    return cut, len(known) + 1


def finer(labels, states):
    """Give the first words of a speech or a telling states of their own, and the last ones."""
    fine = labels.copy()
    changes = labels[:, 1:] != labels[:, :-1]
    if "last" in states:
        last = np.pad(changes, ((0, 0), (0, 1)))
        fine[last & (labels == 1)], fine[last & (labels == 0)] = 5, 6
    if "first" in states:
        first = np.pad(changes, ((0, 0), (1, 0)))
        fine[first & (labels == 1)], fine[first & (labels == 0)] = 3, 4
    return fine


def count_hmm(x, y, V, setting):
    """Return the HMM of labeled words."""
    states, smoothing = setting
    N = {"": 3, "first": 5}.get(states, 7)
    return HMM.count_labeled(list(finer(y, states)), list(x), N, V, smoothing)


def accuracy(guess, labels):
    """Return the share of right labels; the paragraph marks do not count."""
    return (guess == labels)[labels < 2].mean()


class BothWays(Stack):
    """An embedding, a layer from each side, and a dense layer that sees both."""

    def forward(self, x):
        """Return the logits of each label."""
        E, right, left, dense = self.layers.values()
        e = E.forward(x)
        from_left, from_right = right.forward(e)[0], left.forward(e[:, ::-1])[0]
        return dense.forward(np.concatenate([from_left, from_right[:, ::-1]], axis=2)), None

    def backward(self, dlogits):
        """Fill the gradients."""
        E, right, left, dense = self.layers.values()
        dh = dense.backward(dlogits)
        de = right.backward(dh[..., : right.H])[0]
        E.backward(de + left.backward(dh[:, ::-1, right.H :])[0][:, ::-1])


def learn_net(x, y, valid_x, valid_y, V, H, seed, steps):
    """Return the net at its best moment: its accuracy on validation, and its weights in it."""
    net = BothWays(
        E=Embedding(V, H, seed, "float64"),
        right=layers.RNN(H, H, seed, dtype="float64"),
        left=layers.RNN(H, H, seed + 100, dtype="float64"),
        dense=Dense(2 * H, 3, seed, "float64"),
    )
    rng, seen = np.random.default_rng(seed), []
    batches = ((x[i], y[i]) for i in (rng.choice(len(x), 32) for _ in range(steps)))

    def judge(step):
        if step % 20 == 0:
            right = accuracy(net.forward(valid_x)[0].argmax(axis=2), valid_y)
            seen.append((right, {name: a.copy() for name, a in net.parameters.items()}))

    fit(net, batches, cross_entropy, Adam(), rate=3e-3, clip=1.0, after_step=judge)
    best, weights = max(seen, key=lambda pair: pair[0])
    for name, array in net.parameters.items():
        array[...] = weights[name]
    return best, net


NETS = (8, 16, 32, 64, 128)


def speech():
    """Yield the rows of contest 3."""
    parts, V = windows()
    (x, y), (valid_x, valid_y), (test_x, test_y) = parts.values()
    for n, steps in ((100, 120), (300, 200), (len(x), 300)):
        v = slice(n // 4)

        def some(seed, n=n):
            rows = np.random.default_rng(seed).permutation(len(x))[:n]
            return x[rows], y[rows]

        def tag(setting, seed, v=v, some=some):
            hmm = count_hmm(*some(seed), V, setting)
            return hmm, accuracy(LABELS[np.array(hmm.viterbi(list(valid_x[v]))[0])], valid_y[v])

        means = [np.mean([tag(setting, s)[1] for s in TRIALS]) for setting in COUNTED]
        setting, start = COUNTED[int(np.argmax(means))], time.process_time()
        hmms = [count_hmm(*some(seed), V, setting) for seed in SEEDS]
        spent = (time.process_time() - start) / 5
        found = [accuracy(LABELS[np.array(h.viterbi(list(test_x))[0])], test_y) for h in hmms]
        words = [f"{states or 'plain'} {smoothing}" for states, smoothing in COUNTED]
        chosen = words[COUNTED.index(setting)]
        yield row("speech", f"{100 * n:,}", "HMM", worded(words, means), chosen, found, spent)

        def net(H, seed, v=v, some=some, steps=steps):
            return learn_net(*some(seed), valid_x[v], valid_y[v], V, H, seed, steps)

        means = [np.mean([net(H, s)[0] for s in TRIALS]) for H in NETS]
        H, start = NETS[int(np.argmax(means))], time.process_time()
        nets = [net(H, seed)[1] for seed in SEEDS]
        spent = (time.process_time() - start) / 5
        found = [accuracy(n.forward(test_x)[0].argmax(axis=2), test_y) for n in nets]
        yield row("speech", f"{100 * n:,}", "RNN", worded(NETS, means), str(H), found, spent)


# ----- Contest 4: the next character

RNN_TEXT = {"rate": 4e-3, "T": 25}
TEXT = {  # settings and recipe for so many characters
    1_000: {
        "HMM": ((8, 16, 32, 64, 128, 256), {"rounds": 2, "looks": 30}),
        "RNN": ((4, 8, 16, 32), RNN_TEXT | {"steps": 300, "every": 10}),
        "n-gram": ((1, 2, 3, 4), {}),
    },
    5_000: {
        "HMM": ((16, 32, 64, 128, 256), {"rounds": 4, "looks": 15}),
        "RNN": ((16, 32, 64, 128), RNN_TEXT | {"steps": 600, "every": 25}),
        "n-gram": ((2, 3, 4, 5), {}),
    },
    30_000: {
        "HMM": ((32, 64, 128, 256), {"rounds": 10, "looks": 7}),
        "RNN": ((32, 64, 128), RNN_TEXT | {"steps": 1_400, "every": 50}),
        "n-gram": ((2, 3, 4, 5, 6), {}),
    },
}


def characters(sizes=tuple(TEXT)):
    """Yield the rows of contest 4."""
    vocabulary = Vocabulary(data.novel("train"), "characters")
    train, valid, test = (
        vocabulary.encode(data.novel(split)) for split in ("train", "validation", "test")
    )
    V = len(vocabulary)
    for n in sizes:
        for side, (settings, recipe) in TEXT[n].items():

            def learn(setting, seed, side=side, n=n, recipe=recipe):
                return LEARN[side](train[:n], valid[: n // 4], V, setting, seed, **recipe)

            means = [np.mean([learn(s, seed)[0] for seed in TRIALS]) for s in settings]
            best, start = settings[int(np.argmin(means))], time.process_time()
            models = [learn(best, seed)[1] for seed in SEEDS]
            spent = (time.process_time() - start) / 5
            found = [bits(model, test[:20_000]) for model in models]
            tried = worded(settings, means)
            yield row("characters", f"{n:,}", side, tried, str(best), found, spent)


def main():
    """Hold all contests, print the table, and save it."""
    if not alone("benchmarks.contests", 1):
        return
    rows = [*casino(), *memory(), *speech(), *characters()]
    report.save("contests", "Hidden Markov models against recurrent nets", COLUMNS, rows, NOTES)


if __name__ == "__main__":
    main()
