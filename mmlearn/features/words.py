"""What a word is, in every script.

A text is composed (NFC) and lower-cased. **A word** is then a run of at least two letters, digits
or underscores, together with the marks that belong to them: vowel signs and accents, and inside a
word the joiners U+200C and U+200D. So "Red-car, é" has the words "red" and "car", and "हिन्दी" is
one. Whether é was typed as one character or two makes no difference; NFC was taken, not NFKC,
since the latter also rewrites what is meant to differ, such as x² and x2.

Scripts that put no spaces between words (Han, Hiragana, Katakana, Thai, Lao, Khmer, Burmese) give
every character, with its marks, and every two neighbours: 红色 gives 红, 色 and 红色. Emoji,
punctuation and other symbols are no words.
"""

import re
import unicodedata
from functools import cache
from itertools import pairwise

import numpy as np

__all__ = ["runs_of_words", "words"]

ENGLISH = re.compile(r"\b\w\w+\b")  # scikit-learn's own pattern, all that ASCII needs

UNSPACED = "".join(
    f"{chr(first)}-{chr(last)}"
    for first, last in (
        (0x0E00, 0x0E7F),  # Thai
        (0x0E80, 0x0EFF),  # Lao
        (0x1000, 0x109F),  # Burmese, and its extensions
        (0xA9E0, 0xA9FF),
        (0xAA60, 0xAA7F),
        (0x1780, 0x17FF),  # Khmer
        (0x3005, 0x3007),  # Han: 々 and 〇, then the ideographs
        (0x3400, 0x4DBF),
        (0x4E00, 0x9FFF),
        (0xF900, 0xFAFF),
        (0x20000, 0x3FFFF),
        (0x3041, 0x30FF),  # Hiragana and Katakana
        (0x31F0, 0x31FF),
        (0xFF66, 0xFF9F),
    )
)


def words(text):
    """The words of a text, in order, as the vectorizers count them.

    >>> words("A red car, 红色!")
    ['red', 'car', '红', '色', '红色']
    """
    text = unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).lower())
    if text.isascii():
        return ENGLISH.findall(text)
    found = []
    for run in _patterns()["words"].finditer(text):
        if run.lastgroup == "spaced":
            found.append(run[0])
        else:
            characters = _patterns()["characters"].findall(run[0])
            found += characters + ["".join(pair) for pair in pairwise(characters)]
    return found


def runs_of_words(text, parts):
    """The text in `parts` consecutive runs, whose lengths differ by a word at most.

    Words are what white space separates, or a character of a script without spaces.

    >>> runs_of_words("one  two three 红色", 2)
    ['one two three', '红色']
    """
    pattern = re.compile(r"\S+") if text.isascii() else _patterns()["pieces"]
    spans = np.array([piece.span() for piece in pattern.finditer(text)]).reshape(-1, 2)
    runs = [
        text[run[0, 0] : run[-1, 1]] if len(run) else "" for run in np.array_split(spans, parts)
    ]
    return [" ".join(run.split()) for run in runs]


@cache
def _patterns():
    """Regular expressions beyond ASCII; `re` has no name for marks, so they are listed."""
    marks = f"[{_ranges(map(chr, filter(_is_mark, range(0x300, 0x20000))))}]"
    character = rf"(?=\w)[{UNSPACED}]{marks}*"
    letter = rf"(?![{UNSPACED}])\w"
    spaced = rf"{letter}(?:{letter}|{marks}|[\u200c\u200d](?=\w))+"
    return {
        "characters": re.compile(character),
        "words": re.compile(rf"(?P<spaced>{spaced})|(?P<unspaced>(?:{character})+)"),
        "pieces": re.compile(rf"[{UNSPACED}]{marks}*|[^\s{UNSPACED}]+"),
    }


def _is_mark(code):
    """Whether a character belongs to the letter before it; one that selects a glyph does not."""
    return unicodedata.category(chr(code)) in ("Mn", "Mc") and not 0xFE00 <= code <= 0xFE0F


def _ranges(characters):
    """The characters, which come in order, as the inside of a regular expression's brackets."""
    found = []
    for c in characters:
        if found and ord(c) == ord(found[-1][1]) + 1:
            found[-1][1] = c
        else:
            found.append([c, c])
    return "".join(f"{first}-{last}" for first, last in found)
