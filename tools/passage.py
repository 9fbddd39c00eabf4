"""Store the models of the instrument "What does it remember?", and the numbers that it shows.

    python -m tools.passage [rnn=FOLDER gru=FOLDER lstm=FOLDER]

Each FOLDER is one that examples/train.py made; its weights go into data/weights, in float16.
Without folders the models stay as they are, and only their numbers are computed again.
"""

import os
import sys
from pathlib import Path

import numpy as np

from rnnbook import data
from rnnbook.nn.losses import bits_per_token
from rnnbook.show.instruments import FOLDER, memory
from rnnbook.text import checkpoints, language_model


def store(folder, file):
    """Write the model of a training in float16, as one that computes in float64."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras

    import rnnbook.keras  # noqa: F401 - Keras must know the class

    model = keras.models.load_model(Path(folder) / "best.keras").to_numpy()
    arrays = {name: array.astype(np.float16) for name, array in model.parameters.items()}
    words = {"configuration": model.configuration | {"dtype": "float64"}}
    words |= {"tokens": model.tokens, "unit": model.unit}
    checkpoints.save(file, language_model.KIND, language_model.VERSION, arrays, words)


def main():
    """Store the models that are named, print the bits of all, and write the script."""
    files = {cell: data.FOLDER / "weights" / f"memory-{cell}.npz" for cell in memory.NAMES}
    for argument in sys.argv[1:]:
        cell, folder = argument.split("=", 1)
        store(folder, files[cell])
    models = {cell: language_model.LanguageModel.load(file) for cell, file in files.items()}
    for cell, model in models.items():
        bits = bits_per_token(model.log_probabilities(model.encode(data.novel("validation"))))
        size = sum(array.size for array in model.parameters.values())
        sys.stdout.write(f"{cell}: {size:,} weights, {bits:.4f} bits per character held out\n")
    script = memory.as_script(models)
    (FOLDER / "memory-data.js").write_text(script, encoding="utf-8", newline="\n")
    sys.stdout.write(f"memory-data.js: {len(script) / 1000:.1f} kB\n")


if __name__ == "__main__":
    main()
