"""Train the character model that writes in the page, and store it in whole numbers.

    nice python tools/train_generator.py

The recipe stands below. Its learning rate is high, so another processor gives other digits of
the same quality. ``data/weights/generator.npz`` holds what was trained once; its bits stand in
``data/manifest.toml``. The float weights stay in ``_build``, from where a stopped run resumes.
"""

import sys
from pathlib import Path

from rnnbook import data
from rnnbook.instruments import weights
from rnnbook.language_model import LanguageModel
from rnnbook.losses import bits_per_token
from rnnbook.optimizers import AdamW, warmup_cosine
from rnnbook.text import Vocabulary
from rnnbook.training import train

ROOT = Path(__file__).resolve().parents[1]
STEPS, RATE, SEED = 3000, 8e-3, 0
LEAST = 3  # a character that is rarer becomes the unknown one


def main():
    """Train, round, store; print the bits per character before and after rounding."""
    novel, held_out = data.novel("train"), data.novel("validation")
    vocabulary = Vocabulary(novel, "characters", min_count=LEAST)
    ids, judge = vocabulary.encode(novel), vocabulary.encode(held_out)
    model = LanguageModel(vocabulary, 256, "lstm", dropout=0.3, seed=SEED)
    work = ROOT / "_build" / "generator"
    work.mkdir(parents=True, exist_ok=True)
    rate = warmup_cosine(RATE, STEPS, warmup=100)
    log = train(model, ids, judge, STEPS, rate=rate, optimizer=AdamW(decay=0.05), B=32, T=64,
                every=250, seed=SEED, checkpoint=work / "checkpoint.npz")  # fmt: skip
    for row in log:
        sys.stdout.write(f"{row}\n")
    model.save(work / "float32.npz")
    target = ROOT / "data" / weights.FILE
    target.parent.mkdir(exist_ok=True)
    weights.store(model, target)
    for name, written in (("float32", model), ("int8", weights.restored(target))):
        bits = bits_per_token(written.log_probabilities(judge))
        sys.stdout.write(f"{name}: {bits:.4f} bits per character on the validation chapters\n")


if __name__ == "__main__":
    main()
