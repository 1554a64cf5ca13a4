"""The ids that stand for no word, the same in every vocabulary of the course."""

__all__ = ["CLS", "FIRST_WORD", "MASK", "PAD", "SEP", "UNK"]

PAD, CLS, SEP, MASK, UNK = range(5)
FIRST_WORD = 5  # ids from here on are words
