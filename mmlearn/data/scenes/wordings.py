"""The sentence patterns of questions and rationales."""

__all__ = ["WORDINGS", "wording_of"]

# Of each text: wordings of the training and validation scenes, and last the one of the test.
WORDINGS = {
    "relation": (
        "what is {r} the {a} ?",
        "which thing is {r} the {a} ?",
        "what can you see {r} the {a} ?",
        "which of these is {r} the {a} ?",
        "which thing can you see {r} the {a} ?",
    ),
    "two_steps": (
        "what is {q} the {most} thing {r} the {a} ?",
        "which thing can you see {q} the {most} thing {r} the {a} ?",
        "which of these is {q} the {most} thing that is {r} the {a} ?",
        "which thing is {q} the {most} one that is {r} the {a} ?",
        "what can you see {q} the {most} thing that is {r} the {a} ?",
    ),
    "count": (
        "how many {c} are there ?",
        "how many {c} can you see ?",
        "how many of the things are {c} ?",
        "how many {c} can you see in the picture ?",
        "how many {c} are in the picture ?",
    ),
    "count_around": (
        "how many things are {r} the {a} ?",
        "how many things can you see {r} the {a} ?",
        "how many of these things are {r} the {a} ?",
        "how many can you see {r} the {a} ?",
        "how many things are there {r} the {a} ?",
    ),
    "rank": (
        "which of these is the {most} ?",
        "what is the {most} of these ?",
        "what is the {most} thing of these ?",
        "which is the {most} ?",
        "which thing is the {most} of these ?",
    ),
    "existence": (
        "are the {a} and the {b} in the picture ?",
        "can you see the {a} and the {b} ?",
        "are the {a} and the {b} there ?",
        "which is in the picture , the {a} or the {b} ?",
        "which can you see , the {a} or the {b} ?",
    ),
    "because_it": (
        "it is in row {i} and column {j}",
        "you can see it in row {i} and column {j}",
    ),
    "because_middle": (
        "the {most} thing {r} the {a} is in row {i} and column {j}",
        "you can see the {most} thing {r} the {a} in row {i} and column {j}",
    ),
    "because_other": (
        "the {b} in row {i} and column {j} is not one of these",
        "in row {i} and column {j} is the {b} , not one of these",
    ),
    # Of the careless generator only.
    "careless_two_steps": (
        "what is {q} the thing {r} the {a} ?",
        "which thing can you see {q} the thing {r} the {a} ?",
        "which of these is {q} the thing that is {r} the {a} ?",
        "which thing is {q} the one that is {r} the {a} ?",
        "what can you see {q} the thing that is {r} the {a} ?",
    ),
    "most": (
        "which of these are there most of ?",
        "what are there most of ?",
        "what can you see most of ?",
        "which things are there most of ?",
        "which of these can you see most of ?",
    ),
    "present": (
        "which of these is in the picture ?",
        "which of these can you see ?",
        "what can you see in the picture ?",
        "which thing is there ?",
        "which of these things is in the picture ?",
    ),
    "missing": (
        "which of these is not in the picture ?",
        "which of these can you not see ?",
        "what can you not see in the picture ?",
        "which thing is not there ?",
        "which of these things is not in the picture ?",
    ),
    "because_order": (
        "it is {more} than the {a} , then the {b} and then the {c}",
        "it is {more} than the {a} and then the {b} , then the {c}",
    ),
    "because_there": ("it is {r} the {a}", "you can see it {r} the {a}"),
    "because_others": ("the {b} is {r} the {a}", "you can see the {b} {r} the {a}"),
    "because_two_steps": (
        "the {t} is {r} the {a} and it is {q} the {t}",
        "it is {q} the {t} and the {t} is {r} the {a}",
    ),
    "because_columns": ("{it} in {columns} {list}", "you can see that {it} in {columns} {list}"),
}


def wording_of(rng, wordings, wording):
    """One of the seen wordings by chance, or the unseen one."""
    return wordings[-1] if wording == "unseen" else rng.choice(wordings[:-1])
