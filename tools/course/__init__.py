"""The notebooks of the course, built from their sources.

    python -m tools.course [UNIT ...] [--execute [--force] [--jobs N]] [--check]

`source/NN_slug/lesson.py` and `lab.py` (jupytext percent format) with `source/course.toml` become
`course/NN_slug.ipynb`, `labs/NN_slug_lab.ipynb`, `solutions/NN_slug_lab.ipynb` and the table of
README.md.
A rebuild changes nothing. Outputs are kept while the code that made them is unchanged; `--execute`
runs what has changed, on the CPU, in an empty folder, with downloads blocked. `--check` writes
nothing and names every drift. The cell keys that an author may write stand in `source.KEYS`.

The way of a unit: `model` (the table of units) and `source` (the author's cells, checked) →
`strip` (what a student gets) and `cards` (first and last cell, tables) → `assemble` (the notebook)
→ `outputs` and `run` (kept or made) → `build` writes it, `drift` compares it.
"""
