"""Names of students: printable in a report, comparable to a roster's, safe as a file's."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable

MAX_STEM_BYTES = 150

_JOINERS = "\u200c\u200d"  # formatting characters that belong to the spelling of some names
_UNPRINTABLE = ("Cc", "Cf", "Cs", "Zl", "Zp")
_FORBIDDEN = re.compile(r'[<>:"/\\|?*]')
_DEVICES = {"con", "prn", "aux", "nul", "conin$", "conout$"}
_DEVICES |= {f"{port}{digit}" for port in ("com", "lpt") for digit in "0123456789¹²³"}
_TAG = re.compile(r"-[0-9a-f]{12}$")


def printable(name: str) -> str:
    """Return a name in NFC with single blanks; what no screen can show becomes U+FFFD.

    >>> printable("  Anna\\tMu\\u0308ller ")
    'Anna Müller'
    """
    name = unicodedata.normalize("NFC", " ".join(name.split()))
    shown = (
        "\ufffd" if unicodedata.category(c) in _UNPRINTABLE and c not in _JOINERS else c
        for c in name
    )
    return "".join(shown) or "?"


def fold(name: str) -> str:
    """Return what two spellings of one name share: NFC, blanks and case folded; nothing fuzzy.

    >>> fold("Anna  MÜLLER") == fold("anna mu\\u0308ller")
    True
    """
    name = unicodedata.normalize("NFC", " ".join(name.split())).casefold()
    return unicodedata.normalize("NFC", name)


def stems(names: Iterable[str]) -> dict[str, str]:
    """Return a file name (without ending) per name, unique also where case is ignored.

    An ordinary name is its own stem. One that some system could not store, that is reserved or
    that another one equals but for case ends in a tag, twelve digits of the name's SHA-256.

    >>> stems(["Anna Müller", "CON"])
    {'Anna Müller': 'Anna Müller', 'CON': '_CON-a3dbc4b644a9'}
    """
    names = sorted(set(names))
    count = Counter(fold(name.upper()) for name in names)
    return {
        name: name if _is_ordinary(name) and count[fold(name.upper())] == 1 else _tagged(name)
        for name in names
    }


def _is_ordinary(name: str) -> bool:
    return (
        not (_FORBIDDEN.search(name) or "\ufffd" in name or _is_reserved(name))
        and not _TAG.search(name)  # or one could ask for another's tagged stem
        and name == name.strip(" .")
        and len(name.encode()) <= MAX_STEM_BYTES
    )


def _is_reserved(name: str) -> bool:
    """Tell the names of devices, with any ending, and ``class``, which the class's data has."""
    return name.split(".")[0].rstrip().casefold() in _DEVICES or name.casefold() == "class"


def _tagged(name: str) -> str:
    tag = hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:12]
    clean = _FORBIDDEN.sub("_", name.replace("\ufffd", "_")).strip(" .")
    clean = "_" + clean if _is_reserved(clean) or not clean else clean
    clean = clean.encode("utf-8", "replace")[: MAX_STEM_BYTES - 13].decode("utf-8", "ignore")
    return f"{clean.rstrip(' .')}-{tag}"
