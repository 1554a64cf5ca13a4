"""Outputs of a notebook: whose code made them, what is kept of them, what a picture says."""

from __future__ import annotations

import hashlib
import html
import json
import re

from mmlearn.notebook import role_of

PNG = "image/png"
WIDGET = "application/vnd.jupyter.widget-view+json"
ADDRESS = re.compile(r" at 0x[0-9a-f]{6,}")
PROGRESS_BAR = re.compile(r"[^\n]*\r[^\n]*\n?|[^\n]*\d+%\|[^\n]*\n?")


def code_digest(notebook) -> str:
    """Return a digest of what was, or would be, executed; the install cell does not count."""
    code = [cell.source for cell in code_cells(notebook) if role_of(cell) != "install"]
    return hashlib.sha256(json.dumps(code).encode()).hexdigest()[:16]


def adopt_outputs(notebook, stored) -> bool:
    """Give `notebook` the outputs of `stored` if the same code made them; return whether it did."""
    digest = code_digest(notebook)
    if stored is None or stored.metadata.get("mmlearn", {}).get("executed") != digest:
        return False
    if code_digest(stored) != digest:
        return False
    for cell, old in zip(code_cells(notebook), code_cells(stored), strict=True):
        cell.outputs, cell.execution_count = old.outputs, old.execution_count
    for position, cell in enumerate(notebook.cells):
        describe_pictures(cell, caption_beside(notebook.cells, position))
    notebook.metadata.mmlearn["executed"] = digest
    return True


def code_cells(notebook) -> list:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def caption_beside(cells: list, position: int) -> str:
    """Return the caption, `*Figure: ...*`, in the cell below or above; "" where there is none."""
    for near in (*cells[position + 1 : position + 2], *cells[max(0, position - 1) : position]):
        found = re.search(r"^\*Figure: (.+?[.!?])\*", near.source, re.MULTILINE | re.DOTALL)
        if found and near.cell_type == "markdown":
            return " ".join(found[1].split())
    return ""


def describe_pictures(cell, caption: str) -> None:
    """Give the pictures of a cell their caption as alternative text.

    No page that is made of a notebook takes it from the metadata of a PNG, so the picture stands in
    HTML as well, which pages and JupyterLab prefer; print by LaTeX takes the PNG.
    """
    for output in cell.get("outputs", []):
        if caption and PNG in output.get("data", {}):
            picture = output.data[PNG].replace("\n", "")
            text = html.escape(caption, quote=True)
            output.data["text/html"] = f'<img alt="{text}" src="data:{PNG};base64,{picture}">'


def tidy_outputs(cell) -> list[str]:
    """Drop from a cell's outputs what differs from run to run; return what must not be stored."""
    kept, problems = [], []
    for output in cell.outputs:
        if output.get("name") == "stderr":
            problems += _warnings(output.text)
        elif WIDGET not in output.get("data", {}):
            problems += _addresses(output)
            kept.append(output)
        elif role_of(cell) == "widget":  # its state is not stored: the view would show nothing
            output.data = {"text/plain": "A widget: run this cell to use it."}
            output.metadata = {}
            kept.append(output)
    if role_of(cell) == "check" and not any(map(_prints, kept)):
        problems.append("prints nothing: a check must print values that only a right answer gives")
    cell.outputs, cell.metadata = kept, {k: v for k, v in cell.metadata.items() if k != "execution"}
    return problems


def _warnings(text: str) -> list[str]:
    text = PROGRESS_BAR.sub("", text).strip()
    return [f"writes to stderr: {text.splitlines()[-1][:200]}"] if text else []


def _addresses(output) -> list[str]:
    shown = str(output.get("data", {}).get("text/plain", "")) + output.get("text", "")
    advice = "shows an object's address: write _ = ... or print something better"
    return [advice] if ADDRESS.search(shown) else []


def _prints(output) -> bool:
    return output.get("name") == "stdout" and bool(output.text.strip())
