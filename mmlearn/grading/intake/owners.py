"""Whose a file is: by a learning platform's names, or else by its own whole name.

A platform is recognised by a class's names *together*, never by one: ordinary names look like a
platform's (``lab02_2026_11_anna.ipynb`` like Canvas's), and to read them so would make one student
of a whole class. What no platform explains is named whole; two names are never made one.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo

from mmlearn.grading.intake.archive import Found, shown
from mmlearn.grading.intake.times import NO_DATE, iso_utc

STRAY = 0.1  # the share of hand-ins in a download that may bear no name of the platform's
ONLINE = "is text that was typed into Moodle, so it was not graded"

# "Anna Müller_12345_assignsubmission_file_", a folder, or the start of a file's name.
_MOODLE = re.compile(r"(.+?)_(\d+)_assignsubmission_([a-z]+)(?:_(.*))?", re.DOTALL)
# "mulleranna_LATE_12345_67890_lab-1.ipynb": student, user id, the file's own id, its name.
_CANVAS = re.compile(r"([^_]+)(_LATE)?_([1-9]\d*)_([1-9]\d{4,})_(.+)", re.DOTALL)
# "Lab 2_jdoe_attempt_2026-11-03-10-12-33_lab.ipynb", and a receipt without the file's name.
_BLACKBOARD = re.compile(r"(.+)_attempt_(\d{4}(?:-\d\d){5})(?:_(.+)|(\.txt))", re.DOTALL)
# "Müller_Anna_amueller_12345", a folder: last and first name, login, user id.
_ILIAS = re.compile(r"([^_]+)_(.+)_([^_]+)_([1-9]\d*)", re.DOTALL)
_DATE = re.compile(r"(?:19|20)\d\d(?:\d\d){0,5}")

# A notebook's name, also as browsers and systems change it: "lab.ipynb (1)", "lab.ipynb.txt".
_NOTEBOOK = re.compile(r"(.*)\.ipynb((?:[ ._(-].*)?)", re.DOTALL | re.IGNORECASE)
_NUMBERED = re.compile(r"(.*\S)\s*(?:\(\d+\)|- ?(?:Copy|Kopie)(?:\s*\(\d+\))?)", re.IGNORECASE)
_PACKED = re.compile(r"(.+?)\.(?:zip|(?:tar\.)?(?:gz|bz2|xz|zst)|tar|tgz|tbz2|txz|7z|rar)", re.I)


@dataclass(frozen=True, order=True)
class Owner:
    """A student by name, with the platform's number and what else it calls them."""

    name: str
    number: str = ""
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Claim:
    """Whose something at the top of a class's folder is, by a platform's name for it."""

    owner: Owner
    tail: str = ""  # the file's own name, where the platform put the student's before it
    late: bool = False  # the platform says so
    time: str | None = None
    unread: str = ""  # why it is not read
    receipt: bool = False  # the platform added it; nobody handed it in


def claims(tops: Collection[tuple[str, bool]], zone: tzinfo | None = None) -> dict[str, Claim]:
    """Return what a platform explains of names (and whether each is a folder's); {}: nothing.

    >>> sorted(claims([("lab02_2026_11_anna.ipynb", False), ("lab02_2026_12_ben.ipynb", False)]))
    []
    >>> claims([("lab-02-anna", True), ("lab-02-octocat", True)])["lab-02-octocat"].owner.name
    'octocat'
    """
    folders = [name for name, folder in tops if folder]
    files = [name for name, folder in tops if not folder]
    hand_ins = [name for name in files if _is_hand_in(name)]
    found = _moodle([*folders, *files])
    for platform in (_canvas, _blackboard):
        found = found or _checked(platform(files, zone), [*hand_ins, *folders])
    for platform in (_ilias, _github):
        found = found or _checked(platform(folders), [*hand_ins, *folders])
    return found


def _checked(found: dict[str, Claim], hand_ins: list[str]) -> dict[str, Claim]:
    """Return what a platform explains, if it explains all hand-ins or nearly all: one may stray."""
    stray = sum(name not in found for name in hand_ins)
    most = max(STRAY * len(hand_ins), len(found) >= 3)
    return found if stray <= most else {}


def _moodle(names: list[str]) -> dict[str, Claim]:
    fits = {name: match.groups() for name in names if (match := _MOODLE.fullmatch(name))}
    owners = defaultdict(set)
    for name, number, _, _ in fits.values():
        owners[number].add(clean(name))
    found = {}
    for top, (name, number, kind, tail) in fits.items():
        if len(owners[number]) == 1:  # or it is no number of Moodle's
            # Moodle's number is that of its grading worksheet, not the student's own.
            owner = Owner(clean(name), number, (f"Participant {number}",))
            unread = "" if kind == "file" else ONLINE
            found[top] = Claim(owner, tail or "", unread=unread)
    return found


def _canvas(names: list[str], _: tzinfo | None) -> dict[str, Claim]:
    fits = {name: match.groups() for name in names if (match := _CANVAS.fullmatch(name))}
    if not fits:
        return {}
    of_user, ids = defaultdict(set), [own for _, _, _, own, _ in fits.values()]
    for name, _, user, _, _ in fits.values():
        of_user[user].add(name)
    students = set().union(*of_user.values())
    one_of_many = len(fits) == 1 and not _DATE.fullmatch(next(iter(of_user)))
    if not (
        len(set(ids)) == len(ids)  # each file has a number of its own
        and not all(map(_DATE.fullmatch, ids))
        and all(len(of) == 1 for of in of_user.values())  # a user has one name
        and 2 * len(students) > len(of_user)  # few users share one, or it is the lab's
        and (len(students) > 1 or one_of_many)
    ):
        return {}
    return {
        top: Claim(Owner(clean(name), user, (user,)), tail, bool(late))
        for top, (name, late, user, _, tail) in fits.items()
    }


def _blackboard(names: list[str], zone: tzinfo | None) -> dict[str, Claim]:
    fits = {name: match.groups() for name in names if (match := _BLACKBOARD.fullmatch(name))}
    if not fits:
        return {}
    lab = _shared({head for head, _, _, _ in fits.values()}, "_")
    if not all(head[len(lab) :] and lab for head, _, _, _ in fits.values()):
        return {}
    return {
        top: Claim(
            Owner(clean(head[len(lab) :]), aliases=(head,)),
            tail or top,
            time=_stamp(stamp, zone),
            receipt=not tail,
        )
        for top, (head, stamp, tail, _) in fits.items()
    }


def _stamp(text: str, zone: tzinfo | None) -> str | None:
    try:
        return iso_utc(datetime.strptime(text, "%Y-%m-%d-%H-%M-%S"), zone)
    except NO_DATE:
        return None


def _ilias(names: list[str]) -> dict[str, Claim]:
    fits = {name: match.groups() for name in names if (match := _ILIAS.fullmatch(name))}
    users, logins, families = ({group[at] for group in fits.values()} for at in (3, 2, 0))
    if len(fits) < 2 or 2 * len(families) <= len(fits):
        return {}
    if len(users) < len(fits) or len(logins) < len(fits):
        return {}
    found = {}
    for top, (last, first, login, user) in fits.items():
        first, last = clean(first.replace("_", " ")), clean(last)
        found[top] = Claim(Owner(f"{first} {last}", user, (login, f"{last}, {first}", user)))
    return found


def _github(names: list[str]) -> dict[str, Claim]:
    """Read ``lab-02-octocat``: the repositories of an assignment, which all begin with its name."""
    lab = _shared(set(names), "-") if len(names) > 1 else ""
    if not re.search(r"\d", lab) or not all(name[len(lab) :] for name in names):
        return {}
    return {name: Claim(Owner(clean(name[len(lab) :]), aliases=(name,))) for name in names}


def _shared(names: set[str], mark: str) -> str:
    """Return with what all names begin, up to a mark; of one name, all before its last part."""
    first, last = min(names), max(names)
    length = len(first)
    if first != last:
        length = next((i for i, c in enumerate(first) if last[i] != c), length)
    return first[: first.rfind(mark, 0, length) + 1]


def owned(found: Found, known: dict[str, Claim]) -> tuple[Owner | None, Found, Claim | None]:
    """Return whose a file is, the file within that student's, and a platform's claim."""
    if not found.parts:
        return None, found, None
    top, *rest = found.parts
    if claim := known.get(top):
        own = replace(found, parts=(claim.tail, *rest) if claim.tail else tuple(rest))
        if claim.unread:
            own = replace(found, parts=(top,), where=shown((top,)), reason=claim.unread)
        return claim.owner, replace(own, time=claim.time or own.time), claim
    if rest or found.folder:
        return Owner(top), replace(found, parts=tuple(rest)), None
    return (own_name(top) if _is_hand_in(top) else None), found, None


def _is_hand_in(name: str) -> bool:
    """Tell a file that somebody hands in, and that no instructor puts beside it."""
    return is_notebook(name) or may_be_notebook(name) or is_packed(name)


def own_name(file: str) -> Owner:
    """Return the student whom a file's whole name means.

    >>> own_name("anna.ipynb.txt").name, own_name("anna.ipynb (1)"), own_name(".ipynb").name
    ('anna', Owner(name='anna (1)', number='', aliases=('anna',)), '.ipynb')
    """
    if notebook := _NOTEBOOK.fullmatch(file):
        name, rest = notebook.groups()
        name += "" if rest.startswith(".") else rest
    elif packed := _PACKED.fullmatch(file):
        name = packed[1]
    else:
        name = os.path.splitext(file)[0]
    numbered = _NUMBERED.fullmatch(name)
    return Owner(name or file, aliases=(clean(numbered[1]),) if numbered else ())


def is_notebook(name: str) -> bool:
    """Tell a notebook by its name, also where a browser has numbered it."""
    match = _NOTEBOOK.fullmatch(name)
    return bool(match) and not match[2].startswith(".")


def may_be_notebook(name: str) -> bool:
    """Tell what may be a notebook that a browser or a system has renamed."""
    if is_packed(name):
        return False
    return bool(_NOTEBOOK.fullmatch(name)) or name.lower().endswith(".json")


def is_packed(name: str) -> bool:
    """Tell an archive by its name."""
    return bool(_PACKED.fullmatch(name))


def clean(name: str) -> str:
    """Return one spelling for a name; unlike `printable`, it keeps different bytes apart."""
    return unicodedata.normalize("NFC", " ".join(name.split()))
