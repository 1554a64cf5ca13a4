"""The way in, walked by README: its code as it stands in a fresh copy, JupyterLab, the first lab.

The set-up is reused: `.venv` of the copy is this environment. What a browser is needed for is
skipped where Chromium or playwright is absent.
"""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import nbformat
import pytest

from mmlearn.notebook import role_of

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
REUSED = ("git clone", "cd mmlearn-course", "python3 -m venv", "pip install")  # the set-up
NAMED = {
    name: text for _, text in BLOCKS for name in re.findall(r"\A# (\w+\.py)\n", text)
}  # blocks that say of which file they are
SERVERS = ("make lab", "mmlearn lab")  # these do not end; they are started below
TOKEN = "front-door"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM = next(filter(None, map(shutil.which, BROWSERS)), None)
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]
QUIET += ["--no-first-run", "--disable-component-update", "--disable-sync"]
SHOWN = ".jp-NotebookPanel:not(.lm-mod-hidden)"  # the notebook in front
MINUTE = 60_000  # in milliseconds

pytestmark = pytest.mark.skipif(
    not ((ROOT / ".git").exists() and Path(sys.prefix, ".ready").exists()),
    reason="needs git's list of files and the environment that `make setup` makes",
)


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A fresh copy of what git would hand out, with this environment as its `.venv`."""
    root = tmp_path_factory.mktemp("front") / "mmlearn-course"
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, check=True).stdout
    for name in filter(None, names.decode().split("\0")):
        if (ROOT / name).is_file():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, root / name)
    for name in ("pyproject.toml", "constraints.txt"):
        os.utime(root / name, (0, 0))  # older than the set-up, so that make reuses it
    (root / ".venv").symlink_to(sys.prefix)
    for name, text in NAMED.items():
        (root / name).write_text(text)
    return root


def environment(clone):
    env = {key: value for key, value in os.environ.items() if not key.startswith("JUPYTER")}
    one = dict.fromkeys(("MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")  # others run beside it
    return env | one | {"JUPYTER_CONFIG_DIR": str(clone / ".jupyter"), "PYTHONPATH": str(clone)}


def lines_of_readme():
    """The shell commands of README, block by block, without those that set up or serve."""
    for language, text in BLOCKS:
        lines = [line.split("  #")[0].strip() for line in text.splitlines()]
        lines = [line for line in lines if line and not line.startswith((*REUSED, *SERVERS))]
        if language == "sh" and lines:
            yield "\n".join(lines)


@pytest.mark.parametrize("block", list(lines_of_readme()))
def test_the_commands_of_readme_run_as_they_stand(block, clone):
    if "submissions/" in block:
        submissions = clone / "submissions"
        submissions.mkdir()
        shutil.copy(clone / "labs/02_linear_cca_lab.ipynb", submissions / "anna.ipynb")
        (clone / "class.csv").write_text("student\nanna\n")
        if not shutil.which("bwrap"):
            block = re.sub(r"(mmlearn grade .*)", r"\1 --sandbox none", block)
    script = f"set -e\n. .venv/bin/activate\n{block}"
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=clone,
        env=environment(clone),
        capture_output=True,
        text=True,
        timeout=300,
    )
    said = done.stdout + done.stderr
    if re.search(r"grade (LAB=)?02", block):  # an empty lab: no point yet, and status 1
        assert "0 of 16 points" in said
    else:
        assert done.returncode == 0, said
    assert "Traceback" not in said
    assert "\r" not in said, "a progress bar where no terminal is"


@pytest.mark.parametrize("code", [text for language, text in BLOCKS if language == "python"])
def test_the_python_of_readme_runs_as_it_stands(code, clone):
    python = clone / ".venv/bin/python"
    done = subprocess.run(
        [python, "-c", code], cwd=clone, env=environment(clone), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    assert "Warning" not in done.stderr


@pytest.fixture(scope="module")
def server(clone):
    """The address of JupyterLab as `make lab` starts it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = f"--no-browser --port={port} --IdentityProvider.token={TOKEN}"
    options += " --allow-root" if os.geteuid() == 0 else ""
    log = clone / "server.log"
    with log.open("w") as out:
        process = subprocess.Popen(
            ["make", "lab", f"LAB_ARGS={options}"],
            cwd=clone,
            env=environment(clone),
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(240):
            if process.poll() is not None:
                pytest.fail(f"make lab ended: {log.read_text()}")
            try:
                asked(address, "api")
                break
            except OSError:
                time.sleep(0.25)
        yield address
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(20)


def asked(address, path):
    with urllib.request.urlopen(f"{address}/{path}?token={TOKEN}", timeout=20) as answer:
        return json.load(answer)


def test_every_link_of_a_lesson_and_its_lab_leads_to_a_file_that_is_served(server, clone):
    pages, seen = ["work/course/00_start_here.ipynb"], set()
    while pages:
        page = pages.pop()
        seen.add(page)
        cells = asked(server, f"api/contents/{page}")["content"]["cells"]
        text = "\n".join(cell["source"] for cell in cells if cell["cell_type"] == "markdown")
        for target in re.findall(r"\]\(([^)#:]+\.ipynb)", text):
            there = os.path.normpath(os.path.join(os.path.dirname(page), target))
            pages += [there] if there not in seen else []
    assert {Path(page).parent.name for page in seen} == {"course", "labs"}
    served = {path.name for name in ("course", "labs") for path in (clone / name).glob("*.ipynb")}
    assert {Path(page).name for page in seen} == served


RIGHT = """def average_precision(scores, relevant):
    order = sorted(range(len(scores)), key=lambda i: -scores[i])
    hits, total = 0, 0.0
    for rank, i in enumerate(order, start=1):
        hits += bool(relevant[i])
        total += hits / rank if relevant[i] else 0.0
    return total / hits"""
WRONG = """def average_precision(scores, relevant):
    return 5 / 9"""
NOTHING = """def average_precision(scores, relevant):
    total = 1.0"""


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
def test_a_student_reads_a_lesson_and_does_its_lab_in_a_browser(server, clone):
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(MINUTE)
        page.goto(f"{server}/?token={TOKEN}")
        page.wait_for_selector(".jp-RenderedMarkdown >> text=Start here")
        assert page.locator(".jp-NotificationCenter, .jp-toast").count() == 0, "asks for news"

        page.goto(f"{server}/lab/tree/work/course/02_linear_cca.ipynb?token={TOKEN}")
        page.wait_for_selector(".jp-RenderedMarkdown >> text=Linear cross-modal embeddings")
        page.wait_for_selector(f"{SHOWN} .jp-Notebook-ExecutionIndicator[data-status=idle]")
        assert page.locator(".lm-TabBar-tab.jp-mod-dirty").count() == 0, "changed by opening it"
        run_all(page, clone / "work/course/02_linear_cca.ipynb")

        page.locator(f"{SHOWN} .jp-RenderedMarkdown a[href*='_lab.ipynb']").last.click()
        page.wait_for_selector("text=02_linear_cca_lab.ipynb")
        lab = clone / "work/labs/02_linear_cca_lab.ipynb"
        page.wait_for_selector(f"{SHOWN} .jp-RenderedMarkdown >> text=What you will build")
        for answer, told, points in (
            (NOTHING, "✗ 0 of 3 points: average_precision returns nothing: is a `return`", 0),
            (WRONG, "✗ 0 of 3 points: 5/9: divide by the number of relevant items R", 0),
            (RIGHT, "✓ 3 of 3 points", 3),
        ):
            fill_in(page, answer)
            outputs = run_all(page, lab)
            assert told in outputs["check_average_precision"]
            assert f"Together {points} of 16 points." in outputs["tally"]
        browser.close()


def fill_in(page, answer):
    """Type an answer into the first exercise's cell."""
    panel = page.locator(SHOWN)
    cell = panel.locator(".jp-CodeCell", has_text="def average_precision(scores").first
    cell.scroll_into_view_if_needed()
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(answer)


def run_all(page, path):
    """Run all cells by the menu, wait, save; return what graded cells and the tally printed."""
    page.click(".lm-MenuBar-item >> text=Run")
    page.click(".lm-Menu-itemLabel >> text=/^Run All Cells$/")
    panel = page.locator(SHOWN)
    page.wait_for_timeout(1000)
    panel.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").wait_for(timeout=4 * MINUTE)
    page.keyboard.press("Control+s")
    page.wait_for_timeout(1500)
    printed = {}
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code":
            assert cell.execution_count, f"{path.name}: {cell.id} was not run"
            name = cell.metadata.get("nbgrader", {}).get("grade_id") or role_of(cell)
            texts = [out.text for out in cell.outputs if out.output_type == "stream"]
            printed[name] = "".join(texts)
    return printed
