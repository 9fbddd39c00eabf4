"""Write the pages that are made: claims, questions and benchmarks in ``reference/``.

    python -m tools.pages

Every figure on them is read from a notebook's output or from a benchmark's result, never typed.
"""

import json
import re
import tomllib

import nbformat

from rnnbook.show.claims import MIME, as_html, ledger
from tools import ROOT, report

BY_HAND = "<!-- Written by tools.pages from {}: `make notebooks`. -->\n\n"
NOTEBOOKS = BY_HAND.format("the executed notebooks")


def chapters():
    """Return the executed notebooks: chapter number -> (name without suffix, notebook)."""
    paths = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
    return {int(p.name[:2]): (p.stem, nbformat.read(p, as_version=4)) for p in paths}


def measured(notebook):
    """Return what the claim boxes of a notebook show: a list of (number, figures)."""
    outputs = (o for c in notebook.cells if c.cell_type == "code" for o in c.outputs)
    boxes = [o.data[MIME] for o in outputs if MIME in o.get("data", {})]
    return [(box["number"], box["figures"]) for box in boxes]


def anchors(notebook):
    """Return the numbers of the questions that a notebook's Markdown cells answer."""
    text = "\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")
    return [int(n) for n in re.findall(r'<a id="question-(\d+)"></a>', text)]


def title(notebook):
    """Return a notebook's title."""
    return re.match(r"# (.+)", notebook.cells[0].source)[1]


def questions():
    """Return all questions: number -> chapter, question, answer."""
    text = (ROOT / "rnnbook" / "show" / "questions.toml").read_text("utf-8")
    return {int(number): row for number, row in tomllib.loads(text).items()}


def claims_page():
    """Return the text of ``claims.md``."""
    verdicts = [ledger()[n]["verdict"] for _, nb in chapters().values() for n, _ in measured(nb)]
    counts = ", ".join(f"{verdicts.count(v)} {v}" for v in ("true", "partly", "false"))
    others = len(verdicts) - sum(verdicts.count(v) for v in ("true", "partly", "false"))
    lines = [
        NOTEBOOKS + "# Every claim, measured\n",
        "What the five texts say that this course accompanies, in our words; a verdict; and the "
        "figure that a cell of the course measured, and asserts again on every change. The texts "
        "are cited as **B**, **B2** ([Bisong 2019](#bisong2019), chapter 36, its opening and its "
        "middle), **BL** (the web version of that chapter), **G** ([Géron 2017](#geron2017), "
        "chapter 14) and **K** ([Kostadinov 2018](#kostadinov2018), chapter 1).\n",
        f"So far: {len(verdicts)} claims, of which {counts}, and {others} that are neither: a slip "
        "of the pen, or advice.\n",
    ]
    for number, (name, notebook) in chapters().items():
        if not measured(notebook):
            continue
        lines.append(f"## From chapter {number}: {title(notebook)}\n")
        for claim, figures in sorted(measured(notebook)):
            lines.append(as_html(claim, figures, f"../notebooks/{name}.html#claim-{claim}") + "\n")
    return "\n".join(lines)


def questions_page():
    """Return the text of ``questions.md``."""
    lines = [
        NOTEBOOKS + "# Questions that learners ask\n",
        "Asked again and again on public sites and issue trackers, most often first. Each has "
        "its answer in a sentence here, and a cell that shows it.\n",
    ]
    here = {n: name for name, nb in chapters().values() for n in anchors(nb)}
    for number in sorted(here):
        row = questions()[number]
        address = f"../notebooks/{here[number]}.html#question-{number}"
        link = f'<a href="{address}">See it shown in chapter {row["chapter"]}</a>'
        lines.append(f"## {row['question']}\n\n{row['answer']} {link}.\n")
    return "\n".join(lines)


def benchmarks_page():
    """Return the text of ``benchmarks.md``."""
    lines = [
        BY_HAND.format("benchmarks/results") + "# Benchmarks\n",
        "How fast the course's code is, beside other ways to do the same. The command under a "
        "table wrote it. Run it to see what your machine says: seconds differ from machine to "
        "machine, and ratios differ less.\n",
    ]
    for path in sorted(report.RESULTS.glob("*.json")):
        lines += benchmark_entry(json.loads(path.read_text("utf-8")))
    return "\n".join(lines)


def benchmark_entry(result):
    """Return one benchmark's result as Markdown lines."""
    versions = ", ".join(f"{name} {number}" for name, number in result["versions"].items())
    figure = f"![{result['alt']}](../benchmarks/results/{result['figure']})\n"
    return [
        f"## {result['title']}\n",
        *report.table(result["columns"], result["rows"]),
        f"\n`{result['command']}` · {result['machine']} · {versions} · {result['date']}\n",
        *([figure] if result["figure"] else []),
        *(f"{note}\n" for note in result["notes"]),
    ]


PAGES = {"claims.md": claims_page, "questions.md": questions_page, "benchmarks.md": benchmarks_page}


def main():
    """Write the pages that changed."""
    for name, page in PAGES.items():
        text, target = page(), ROOT / "reference" / name
        if not target.exists() or target.read_text("utf-8") != text:
            target.write_text(text, encoding="utf-8", newline="\n")
            print(f"reference/{name}: written")


if __name__ == "__main__":
    main()
