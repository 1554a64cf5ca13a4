"""The words of the scenes: 121 objects in five categories, and the few words of the sentences."""

import numpy as np

from mmlearn.special_tokens import PAD, UNK

__all__ = [
    "CATEGORIES",
    "CATEGORY",
    "NAMES",
    "NUMBERS",
    "WORDS",
    "decode",
    "encode",
    "join",
]

# Objects: emoji of the Unicode subgroups animal-*, food-*, transport-*, clothing, tool, writing and
# science whose title is one word that no other emoji has, less those whose title names no single
# thing of the category (station, anchor, salt, ...) or a kind of another object (poodle). Of each
# category those that look least alike: starting from dog, cat and horse, again and again the one
# whose nearest chosen neighbour, by cosine of CNN features, is farthest. No two are above .8.
_OBJECTS = {
    "animals": """gorilla orangutan dog wolf fox raccoon cat moose horse boar ram elephant
        hippopotamus bear panda kangaroo rooster peacock phoenix frog crocodile lizard dragon
        dolphin blowfish jellyfish butterfly bug beetle fly giraffe octopus""",
    "foods": """grapes melon lime banana pineapple blueberries olive broccoli onion peanuts beans
        chestnut croissant bagel waffle bacon pizza sandwich taco falafel egg popcorn spaghetti
        sushi crab lobster oyster cookie cupcake lollipop custard carrot
        strawberry""",
    "vehicles": """locomotive train metro monorail trolleybus minibus ambulance taxi tractor
        motorcycle bicycle skateboard sailboat canoe speedboat ferry ship airplane helicopter
        rocket""",
    "clothes": """kimono sunglasses goggles necktie jeans scarf gloves coat socks dress sari briefs
        shorts bikini purse backpack crown""",
    "tools": """pencil pen paintbrush crayon hammer axe dagger boomerang shield wrench screwdriver
        gear clamp toolbox magnet ladder alembic microscope telescope""",
}
CATEGORIES = tuple(_OBJECTS)
NAMES = tuple(name for names in _OBJECTS.values() for name in names.split())
# The category of each name.
CATEGORY = tuple(c for c, names in enumerate(_OBJECTS.values()) for _ in names.split())
NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight")
_SENTENCES = """a above and are as below both can column columns first fewer has have higher how
    huge in is it just large larger largest left less lower many medium more most not of one only
    or other picture pictures right row rows same second see size small smaller smallest than that
    the then there these they thing things tiny to together two what which you , . ?"""
WORDS = (
    "[PAD]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    "[UNK]",
    *dict.fromkeys([*_SENTENCES.split(), *NUMBERS, *CATEGORIES, *NAMES]),
)
_ID = {word: i for i, word in enumerate(WORDS)}


def encode(text):
    """Token ids of a text; words are parted by spaces, unknown ones become [UNK].

    >>> encode("the dog is Klingon"), decode(encode("the dog is Klingon"))
    ([56, 87, 23, 4], 'the dog is [UNK]')
    """
    return [_ID.get(word, _ID.get(word.lower(), UNK)) for word in text.split()]


def decode(ids):
    """The words of token ids, without padding.

    Raises
    ------
    ValueError: an id outside the vocabulary
    """
    ids = np.asarray(ids, dtype=int).ravel()
    if ids.size and not 0 <= ids.min() <= ids.max() < len(WORDS):
        raise ValueError(f"token ids must lie from 0 to {len(WORDS) - 1}, got {ids.tolist()}.")
    return " ".join(WORDS[i] for i in ids if i != PAD)


def join(*parts, padding=PAD, where=None):
    """Join padded token arrays (..., L_k) along the last axis, without gaps between them.

    Leading axes are broadcast: questions (m, 1, L) and answers (m, 4, La) give (m, 4, L + La),
    less columns that only hold padding. `where` are the tokens that say what is padding, when
    `parts` are something else of the same shapes (tags).

    >>> join(np.array([[1, 9, 2, 0]]), np.array([[7, 2]]))
    array([[1, 9, 2, 7, 2]])
    """
    lead = np.broadcast_shapes(*(part.shape[:-1] for part in parts))

    def beside(arrays):
        return np.concatenate([np.broadcast_to(a, (*lead, a.shape[-1])) for a in arrays], axis=-1)

    joined = beside(parts)
    there = joined != padding if where is None else beside(where) != PAD
    order = np.argsort(~there, axis=-1, kind="stable")  # padding last, all else as it was
    joined = np.where(there, joined, padding)
    return np.take_along_axis(joined, order, axis=-1)[..., : int(there.sum(axis=-1).max())]
