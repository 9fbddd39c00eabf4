"""Write the sizes and hashes of the data files, as they now are, into data/manifest.toml.

python -m tools.manifest

Run it after a wanted change of a data file. A new file first needs its entry, by hand. Texts that
are fetched, [[text]], are left as they are.
"""

import hashlib
import re
import sys

from tools import ROOT

DATA = ROOT / "data"
_ENTRY = re.compile(
    r'^(\[\[file\]\]\nname = "(.+)"\n(?:(?!\[\[).*\n)*?)bytes = .*\nsha256 = .*$', re.MULTILINE
)


def updated(manifest, folder):
    """Return a manifest's text with the size and SHA-256 that its files have in a folder."""

    def entry(match):
        content = (folder / match[2]).read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        return f'{match[1]}bytes = {len(content)}\nsha256 = "{digest}"'

    text, entries = _ENTRY.subn(entry, manifest)
    if entries != manifest.count("[[file]]"):
        raise ValueError("each [[file]] must begin with its name and end with bytes and sha256")
    return text


if __name__ == "__main__":
    before = (DATA / "manifest.toml").read_text(encoding="utf-8")
    after = updated(before, DATA)
    if after != before:  # else the book would be as if older than it
        (DATA / "manifest.toml").write_text(after, encoding="utf-8", newline="\n")
    sys.stdout.write(f"data/manifest.toml {'updated' if after != before else 'is up to date'}\n")
