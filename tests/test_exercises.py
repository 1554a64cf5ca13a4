"""What a student reads under a check, and at the end of a lab."""

import linecache

import pytest

from mmlearn import exercises
from mmlearn.exercises import check, tally
from mmlearn.notebook import file_name, unit_named, unwrap_check, wrap_check

CHECK = 'assert double(2) == 4, "double adds: it should multiply."\nprint("twice", double(3))'


@pytest.fixture(autouse=True)
def _fresh(monkeypatch):
    monkeypatch.setattr(exercises, "_results", {})


def report(answer, capsys, source=CHECK):
    """What is printed under the check after a student's cell `answer`, run as in a notebook."""
    linecache.cache["<cell>"] = (len(answer), None, answer.splitlines(keepends=True), "<cell>")
    names = {"check": check}
    exec(compile(answer, "<cell>", "exec"), names)
    exec(wrap_check(source, "double", 3), names)
    return capsys.readouterr().out


def test_a_right_answer_is_told_and_its_values_are_shown(capsys):
    said = report("def double(x):\n    return 2 * x", capsys)
    assert said == "twice 6\n✓ 3 of 3 points\n"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            "def double(x):\n    raise NotImplementedError",
            "○ 0 of 3 points: double is not done yet.",
        ),
        ("other = 1", "○ 0 of 3 points: run the cell that defines double first."),
        ("def double(x):\n    return x + 1", "✗ 0 of 3 points: double adds: it should multiply."),
        ("def double(x):\n    y = 2 * x", "✗ 0 of 3 points: double returns nothing: is a `return`"),
        (
            "def double(x):\n    def inner():\n        return 2 * x\n    inner()",
            "double returns nothing: is a `return` missing?",
        ),
        ("def double(x):\n    return y", "✗ 0 of 3 points: NameError: name 'y' is not defined"),
        ("def double(x):\n    if x > 2:\n        return 2 * x", "double adds: it should multiply."),
    ],
)
def test_a_wrong_answer_is_told_in_one_line_and_stops_nothing(answer, said, capsys):
    assert said in report(answer, capsys).splitlines()[-1]


def test_a_value_that_is_none_on_one_path_is_told(capsys):
    answer = "def double(x):\n    if x > 2:\n        return 2 * x"
    said = report(answer, capsys, "assert double(2) + 0 == 4")
    assert "Traceback" in said
    assert "does every path of double end in `return`?" in said.splitlines()[-1]


def test_an_assertion_without_words_shows_itself(capsys):
    answer = "def double(x):\n    return x"
    linecache.cache["<string>"] = (0, None, ["\n", "assert double(2) == 4\n"], "<string>")
    assert "does not hold" in report(answer, capsys, "assert double(2) == 4")


def test_an_interrupt_is_not_held_back():
    with pytest.raises(KeyboardInterrupt), check("double", points=3):
        raise KeyboardInterrupt


def test_the_tally_counts_the_last_run_of_each_check(capsys):
    report("def double(x):\n    return x", capsys)
    report("def double(x):\n    return 2 * x", capsys)
    tally(double=3, mean=2)
    assert capsys.readouterr().out.splitlines() == [
        "✓ double  3 of 3",
        "○ mean    0 of 2  its check was not run",
        "Together 3 of 5 points.",
    ]


@pytest.mark.parametrize(
    "source", [CHECK, "for x in range(3):\n    assert x < 3\n\nprint(1)", "x = (\n    1,\n)"]
)
def test_a_wrapped_check_can_be_unwrapped(source):
    assert unwrap_check(wrap_check(source, "double", 2.5)) == source
    assert unwrap_check(source) == source


def test_a_check_that_wrapping_would_change_is_refused():
    with pytest.raises(ValueError, match="'double' has a string of several lines"):
        wrap_check('text = """a\nb"""\nassert text', "double", 1)


@pytest.mark.parametrize("kind", ["lesson", "lab", "solution"])
def test_every_name_of_a_notebook_leads_back_to_its_unit(kind):
    assert unit_named(f"C:\\labs\\{file_name('02_linear_cca', kind)}") == "02_linear_cca"
