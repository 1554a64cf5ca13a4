"""``mmlearn release``: what a class is handed, and nothing of the instructor's copy.

A release is a folder with ``labs/``, perhaps ``course/``, README.txt and SHA256SUMS (the format of
``sha256sum -c``). Before anything is written, each lab is compared with the instructor's copy.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import zipfile
from contextlib import suppress
from pathlib import Path

from mmlearn.doctor import ROOT, cure, missing
from mmlearn.grading.errors import GradingError
from mmlearn.grading.intake.submission import digest
from mmlearn.notebook import ANY_MARKER, NBGRADER, file_name, metadata_of, unit_named
from mmlearn.storage.files import make_folder, write_all

README, SUMS, ARCHIVE = "README.txt", "SHA256SUMS", "labs.zip"
SHORTEST = 8  # letters of a line of a solution that would be missed; shorter lines say nothing

_SUM = re.compile(r"([0-9a-f]{64})  (.+)")

_README = """\
{heading}

{labs}

Start
-----
Open a notebook in JupyterLab or on Colab, and run its cells from the top. The first cell of code
looks for the course's package; on Colab it installs it.

Write your code where a cell says YOUR CODE HERE, and your text where it says "Your answer here".
The check below a function tells in seconds whether it is right and, if not, what is likely wrong.
Change nothing else: your functions and your written answers are all that is read, and the checks
that count are your instructor's. The last cell adds your points up.

Check a whole lab at any time:

    mmlearn grade {example}

Hand in
-------
Save the notebook, and hand in this one file where your course collects the work; rename it only
if your course asks for that. Each exercise counts alone: what is not finished costs the others
nothing. Your functions must end by themselves: no input(), no download, no file of your own.

Is everything here?
-------------------
    sha256sum -c SHA256SUMS            (on macOS: shasum -a 256 -c SHA256SUMS)

says OK for each file as it was handed out, before you fill it in.
"""


def release(
    labs: list[str], root: Path, out: Path, *, lessons: bool = False, archive: bool = False
) -> list[Path]:
    """Write what a class is handed into `out`; return the files that were written.

    Parameters
    ----------
    labs: names such as ``02_linear_cca``, or ``all``
    root: the folder with ``labs/``, ``solutions/`` and ``course/``
    out: a folder that is new, empty, or a former release; of that, the same files stay as they are,
        changed ones are replaced, and other labs are kept
    lessons: whether the lessons come along
    archive: whether to write everything into one zip file as well, always of the same bytes

    Raises
    ------
    GradingError
        If a lab is unknown, holds outputs or anything of its solution, or `out` holds other files;
        then nothing is written.
    """
    root, out = Path(root), Path(out)
    files = {}
    for name in _named(labs, root):
        file, data = _lab(root, name)
        files[f"labs/{file.name}"] = data
        if lessons:
            lesson = root / "course" / file_name(name, "lesson")
            files[f"course/{lesson.name}"] = _read(lesson)
    former = _former(out, files)
    archive = archive or ARCHIVE in former
    files = {
        name: data for name, data in former.items() if name not in (README, SUMS, ARCHIVE)
    } | files
    files[README] = _readme(files).encode()
    sums = "".join(f"{digest(files[name])}  {name}\n" for name in sorted(files))
    files[SUMS] = sums.encode()
    if archive:
        files[ARCHIVE] = _zipped(files)
    changed = {name: data for name, data in files.items() if former.get(name) != data}
    _write(out, changed)
    return [out / name for name in changed]


def release_nbgrader(labs: list[str], root: Path, out: Path) -> list[Path]:
    """Write each lab as the source of an nbgrader assignment, ``out/LAB/LAB.ipynb``.

    Raises
    ------
    GradingError
        If a lab is unknown, is no lab to be handed out, or its solution does not run.
    """
    from mmlearn.grading.handout.nbgrader import nbgrader_source

    root, out, files = Path(root), Path(out), {}
    for name in _named(labs, root):
        lab, _ = _lab(root, name)  # its own leaks are told here, too
        copy = root / "solutions" / lab.name
        text = json.dumps(nbgrader_source(copy, lab), indent=1, ensure_ascii=False)
        files[f"{name}/{name}.ipynb"] = (text + "\n").encode()
    _write(out, files)
    return [out / name for name in files]


def _named(labs: list[str], root: Path) -> list[str]:
    known = sorted(_labs(root))
    if not known:
        raise GradingError(f"{root / 'labs'} holds no labs: run this in the course's own folder.")
    if "all" in labs:
        return known
    names = list(dict.fromkeys(unit_named(name, known) for name in labs))
    for name in names:
        if name not in known:
            raise GradingError(f"Unknown lab {name!r}; known: {', '.join(known)}, or all.")
    return names


def _labs(root: Path) -> dict[str, Path]:
    """Return the file of each lab, by its unit."""
    return {unit_named(path): path for path in (root / "labs").glob("*.ipynb")}


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise GradingError(f"{path} cannot be read: {error.strerror}.") from error


def _notebook(path: Path, data: bytes) -> dict:
    try:
        notebook = json.loads(data)
        [dict(cell) for cell in notebook["cells"]]  # or the error that says why not
    except (ValueError, KeyError, TypeError) as error:
        raise GradingError(f"{path} is no notebook: build it again.") from error
    return notebook


# ------------------------------------------------------------------------------------------- leaks


def _lab(root: Path, name: str) -> tuple[Path, bytes]:
    """Return a lab's file and bytes, once nothing of the instructor's copy is found in them."""
    path = _labs(root)[name]
    copy = root / "solutions" / path.name
    data = _read(path)
    lab, text = _notebook(path, data), data.decode("utf-8", "replace")
    if found := ANY_MARKER.search(text):
        raise GradingError(f"{path} still holds the marker {found.group()!r}: build it again.")
    if any(cell.get("outputs") or cell.get("execution_count") for cell in lab["cells"]):
        raise GradingError(f"{path} holds outputs: clear them, or build it again.")
    if not copy.is_file():
        raise GradingError(f"{copy} is missing, so what {path} must not hold is not known.")
    handed = _squeezed(_text(lab))
    for line in _secrets(_notebook(copy, _read(copy))):
        if _squeezed(line) in handed:
            raise GradingError(
                f"{path} holds {line!r} of its solution or hidden tests: build it again."
            )
    return path, data


def _secrets(copy: dict) -> list[str]:
    """Return the lines of the solutions, model answers and hidden tests that tell something.

    A line that is handed out anyway, because it stands outside as well, is no secret.
    """
    inside, outside = [], []
    for cell in copy["cells"]:
        source = _text(cell.get("source", ""))
        answered = metadata_of(cell, NBGRADER).get("solution")
        if answered and cell.get("cell_type") == "code" and not ANY_MARKER.search(source):
            inside += source.splitlines()  # then all of the cell is the solution
            continue
        secret = False
        for line in source.splitlines():
            if found := ANY_MARKER.search(line):
                secret = found.group(1).upper() == "BEGIN"
            else:
                (inside if secret else outside).append(line)
    public = _squeezed("\n".join(outside))
    lines = dict.fromkeys(line.strip() for line in inside)
    squeezed = {line: _squeezed(line) for line in lines}
    return [s for s, bare in squeezed.items() if len(bare) >= SHORTEST and bare not in public]


def _text(part) -> str:
    """Return every text in a part of a notebook: sources, metadata, attachments."""
    if isinstance(part, dict):
        return "\n".join(map(_text, part.values()))
    if isinstance(part, list):
        lines = all(isinstance(item, str) for item in part)
        return ("" if lines else "\n").join(_text(item) for item in part)
    return part if isinstance(part, str) else ""


def _squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


# ------------------------------------------------------------------------------------------- files


def _former(out: Path, new: dict[str, bytes]) -> dict[str, bytes]:
    """Return the files of a former release in `out`, after looking for anything else."""
    if not out.exists():
        return {}
    if not out.is_dir():
        raise GradingError(f"--out {out} is a file: give a folder.")
    paths = [path for path in sorted(out.rglob("*")) if path.is_symlink() or not path.is_dir()]
    names = {path.relative_to(out).as_posix(): path for path in paths}
    names = {name: path for name, path in names.items() if not _is_hidden(name)}
    if not names:
        return {}
    if SUMS not in names:
        raise GradingError(f"{out} is not empty and no former release: give a new folder.")
    listed = dict(_listed(names[SUMS]))
    former = {}
    for name, path in names.items():
        if path.is_symlink() or name not in {*listed, SUMS, ARCHIVE}:
            raise GradingError(f"{path} is no part of a release: move it away.")
        former[name] = _read(path)
        if (
            name in listed
            and digest(former[name]) != listed[name]
            and former[name] != new.get(name)
        ):
            raise GradingError(f"{path} was changed since it was released: move it away.")
    return former


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") for part in name.split("/"))


def _listed(path: Path):
    for line in _read(path).decode("utf-8", "replace").splitlines():
        if found := _SUM.fullmatch(line):
            yield found.group(2), found.group(1)


def _readme(files: dict[str, bytes]) -> str:
    labs = {name: _title(data) for name, data in sorted(files.items()) if name.startswith("labs/")}
    width = max(map(len, labs))
    lines = [f"    {name:<{width}}  {title}".rstrip() for name, title in labs.items()]
    heading = "The labs" if len(labs) > 1 else "The lab"
    if any(name.startswith("course/") for name in files):
        heading += ", and the lessons in course/"
    return _README.format(
        heading=f"{heading}\n{'=' * len(heading)}", labs="\n".join(lines), example=next(iter(labs))
    )


def _title(data: bytes) -> str:
    for cell in json.loads(data)["cells"]:
        if found := re.match(r"#\s+(.+)", _text(cell.get("source", ""))):
            return found.group(1).strip()
    return ""


def _zipped(files: dict[str, bytes]) -> bytes:
    """Return a zip of the files: no times, no compression, so the bytes are always the same."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            info = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            info.create_system, info.external_attr = 3, 0o644 << 16
            archive.writestr(info, files[name])
    return buffer.getvalue()


def _write(out: Path, files: dict[str, bytes]) -> None:
    """Write all files, or none where the disk is full: then no new folder stays either."""
    new = set()
    for path in (out / name for name in files):
        new |= {folder for folder in path.parents if not folder.exists()}
    try:
        for name in files:
            make_folder((out / name).parent)
        write_all({out / name: data for name, data in files.items()})
    except BaseException:
        for folder in sorted(new, reverse=True):  # what lies inside comes first
            with suppress(OSError):
                folder.rmdir()
        raise


# ----------------------------------------------------------------------------------------- command


def add_release_command(subparsers) -> argparse.ArgumentParser:
    """Add ``release`` to the subcommands; its default ``command`` runs it."""
    parser = subparsers.add_parser(
        "release",
        help="write what a class is handed: labs, without solutions",
        description="Copy labs, without anything of their solutions, into a folder for a class.",
        epilog="example: mmlearn release 02_linear_cca --out handout --lessons --zip",
    )
    parser.add_argument("labs", nargs="+", metavar="LAB", help="such as 02_linear_cca, or all")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="a new folder")
    parser.add_argument("--lessons", action="store_true", help="with the lessons of these labs")
    parser.add_argument("--zip", action="store_true", help=f"with {ARCHIVE}, which holds it all")
    parser.add_argument(
        "--nbgrader",
        action="store_true",
        help="instead, sources with solutions for nbgrader, such as --out source",
    )
    parser.set_defaults(command=_run)
    return parser


def _run(args: argparse.Namespace) -> int:
    here = Path.cwd()
    root = here if (here / "labs").is_dir() else ROOT
    if args.nbgrader and (lacking := missing(None, "grade")):
        raise GradingError(f"running a lab needs {', '.join(lacking)}; {cure('grade')}")
    if args.nbgrader:
        written = release_nbgrader(args.labs, root, args.out)
    else:
        written = release(args.labs, root, args.out, lessons=args.lessons, archive=args.zip)
    for path in written:
        print(f"wrote {path}")
    print(f"{args.out} is ready." if written else f"{args.out} is up to date: nothing was written.")
    return 0
