"""What GitHub reads, and the set-up: by the schema, and with no more rights than needed."""

import re
import sys
from types import SimpleNamespace

import pytest
import yaml
from click.testing import CliRunner

from tools import ROOT, setup

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
TRIGGERS = {"push", "pull_request", "schedule", "workflow_dispatch"}
READ, DEPLOY = {"contents": "read"}, {"pages": "write", "id-token": "write"}
PINNED = re.compile(r"uses: actions/[a-z-]+@[0-9a-f]{40}  # v\d+\.\d+\.\d+$", re.MULTILINE)


def read(name):
    return (ROOT / name).read_text("utf-8")


def schema_faults(schema, *files):
    """Return what check-jsonschema says against files, by a schema that it carries."""
    from check_jsonschema.cli import main  # here: it takes seconds to load

    run = CliRunner().invoke(main, ["--builtin-schema", schema, *map(str, files)])
    return "" if run.exit_code == 0 else run.output


@pytest.mark.parametrize(
    "schema", ["vendor.github-workflows", "custom.github-workflows-require-timeout"]
)
def test_workflows_keep_to_the_schema(schema):
    assert {p.stem for p in WORKFLOWS} == {"tests", "pages", "newest"}
    assert schema_faults(schema, *WORKFLOWS) == ""


def test_citation_keeps_to_the_schema():
    assert schema_faults("vendor.citation-file-format", ROOT / "CITATION.cff") == ""


def test_a_faulty_workflow_is_found(tmp_path):
    faulty = tmp_path / "tests.yml"
    faulty.write_text(read(".github/workflows/tests.yml").replace("runs-on", "run-on"), "utf-8")
    assert "run-on" in schema_faults("vendor.github-workflows", faulty)


def faults(text):
    """Return what a workflow may do or install, and should not."""
    workflow, found = yaml.safe_load(text), []
    triggers = set(workflow[True])  # YAML 1.1 reads the key `on` as true
    found += [f"trigger {name}" for name in triggers - TRIGGERS]
    if workflow.get("permissions") != READ:
        found.append("permissions of the workflow")
    if len(PINNED.findall(text)) != text.count("uses:"):
        found.append("an action that is not pinned by its commit")
    for name, job in workflow["jobs"].items():
        if job.get("permissions", READ) not in ([READ, DEPLOY] if name == "deploy" else [READ]):
            found.append(f"permissions of {name}")
        for step in job["steps"]:
            kept = step.get("with", {}).get("persist-credentials", True)
            if "actions/checkout" in step.get("uses", "") and kept:
                found.append("credentials that stay")
            if "${{" in step.get("run", ""):
                found.append("an expression in a command: whoever sets it runs what they like")
            found += command_faults(step.get("run", ""), newest=name == "newest")
    return found


def command_faults(text, newest=False):
    """Return what a script installs without the locks; only the job of newest releases may."""
    found = []
    for line in text.splitlines():
        if "pip install" in line and "--require-hashes" not in line and not newest:
            found.append(f"without hashes: {line}")
        if re.search(r"\buv (sync|run|export)\b", line) and "--frozen" not in line:
            found.append(f"without the lock: {line}")
        if re.search(r"\bnpm (?!ci\b.*--ignore-scripts)", line):
            found.append(f"not the lock alone, or with scripts: {line}")
    return found


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda p: p.stem)
def test_a_workflow_may_do_little_and_installs_what_is_locked(path):
    assert faults(path.read_text("utf-8")) == []


@pytest.mark.parametrize(
    ("workflow", "old", "new"),
    [
        ("tests", "  pull_request:", "  pull_request_target:"),
        ("tests", "  contents: read", "  contents: write"),
        ("tests", "permissions:\n  contents: read\n", ""),
        ("tests", "    timeout-minutes: 60", "    timeout-minutes: 60\n    permissions: write-all"),
        ("pages", "      pages: write", "      pages: write\n      contents: write"),
        (
            "tests",
            "        run: make test",
            "        run: echo ${{ github.event.issue.title }}",
        ),
        ("tests", "          persist-credentials: false", "          persist-credentials: true"),
        ("newest", "        with:\n          persist-credentials: false\n", ""),
        ("pages", "          persist-credentials: false", "          fetch-depth: 1"),
        ("pages", "@[0-9a-f]+  # v5.0.0", "@v5"),
        ("pages", "@[0-9a-f]+  # v5.0.0", "@main"),
        ("tests", "uses: actions/cache@", "uses: someone/cache@"),
        ("tests", "        run: make test", "        run: python -m pip install torch"),
        ("tests", " --frozen", ""),
        ("tests", "        run: make test", "        run: npm install"),
        ("tests", "        run: make test", "        run: npm ci"),
    ],
)
def test_a_planted_fault_is_found(workflow, old, new):
    text = read(f".github/workflows/{workflow}.yml")
    planted = re.sub(old, lambda _: new, text)
    assert planted != text
    assert faults(planted)


def commands(monkeypatch, folder):
    """Return the commands that the set-up runs."""
    run = []
    monkeypatch.setattr(setup, "run", lambda *command: run.append(" ".join(map(str, command))))
    monkeypatch.setattr(setup, "READY", folder / "ready")
    setup.install()
    return run


def test_the_set_up_installs_what_is_locked_and_runs_no_script_of_a_package(monkeypatch, tmp_path):
    pip, uv, npm = commands(monkeypatch, tmp_path)
    assert re.search(r"pip install .*--require-hashes -r tools/uv.txt", pip)
    assert re.search(r"uv sync .*--frozen", uv)
    assert re.search(r"npm ci .*--ignore-scripts", npm)
    assert command_faults("\n".join([pip, uv, npm])) == []
    assert (tmp_path / "ready").exists()


def test_the_set_up_is_done_once(monkeypatch, tmp_path):
    """A second one waits for the first, finds all there, and leaves it alone."""
    commands(monkeypatch, tmp_path)
    monkeypatch.setattr(setup, "install", lambda: pytest.fail("installed again"))
    setup.main()


def test_the_set_up_says_where_it_cannot_run(monkeypatch):
    monkeypatch.setattr(setup, "install", lambda: pytest.fail("went on"))
    old = SimpleNamespace(version_info=(3, 10, 1), version="3.10.1", exit=sys.exit)
    monkeypatch.setattr(setup, "sys", old)
    with pytest.raises(SystemExit, match=r"3\.11 to 3\.13 is needed"):
        setup.main()
    monkeypatch.setattr(setup, "os", SimpleNamespace(name="nt"))
    with pytest.raises(SystemExit, match="WSL"):
        setup.main()


def test_ci_runs_all_checks():
    assert re.search(r"^make test$", read(".ci/run"), re.MULTILINE)
    assert "make test" in read(".github/workflows/tests.yml")
    assert "make weekly" in read(".github/workflows/newest.yml")
    assert "python -m tools.plant" in read(".github/workflows/newest.yml")
