"""What the HTML reports share: one calm page without scripts, network or fonts of its own."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from urllib.parse import quote

# Blue and dark orange differ in lightness and hue for every kind of colour vision; each status is
# told by a sign and a word as well.
_STYLE = """
:root { --ink: #1c2126; --soft: #565f69; --line: #d5dbe1; --wash: #f4f6f8; --good: #0b5596;
  --bad: #a03c00; --loud: #fff2e6; color-scheme: light }
* { box-sizing: border-box }
body { font: 16px/1.5 system-ui, "Segoe UI", Roboto, Helvetica, Arial, sans-serif;
  color: var(--ink); background: #fff; max-width: 66rem; margin: 0 auto;
  padding: 1.5rem 1.25rem 3rem }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .25rem; overflow-wrap: anywhere }
h2 { font-size: 1.2rem; margin: 2.25rem 0 .5rem }
h3 { font-size: 1rem; margin: 1.25rem 0 .25rem }
p { margin: .4rem 0; max-width: 45rem } a { color: var(--good) }
.lead { font-size: 1.25rem } .soft { color: var(--soft) }
.loud { background: var(--loud); border-left: .4rem solid var(--bad); padding: .7rem 1rem;
  margin: 1rem 0 }
.loud h2 { margin-top: 0; color: var(--bad) }
ul { margin: .4rem 0; padding-left: 1.25rem } li { margin: .15rem 0 } td ul { margin: 0 }
li, td, dd, h3, .said { overflow-wrap: anywhere; unicode-bidi: isolate }
th { overflow-wrap: break-word; unicode-bidi: isolate }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 }
caption { text-align: left; color: var(--soft); padding-bottom: .3rem }
th, td { text-align: left; vertical-align: top; padding: .4rem .6rem .4rem 0;
  border-top: 1px solid var(--line) }
thead td { border: 0 }
thead th { border-top: 0; font-size: .875rem; color: var(--soft); font-weight: 600 }
tbody th { font-weight: 600 }
.n { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums }
th.n, td.n { padding-left: .6rem } td.nb { white-space: nowrap }
.n, .nb { overflow-wrap: normal }
.good { color: var(--good); white-space: nowrap; font-weight: 600 }
.bad { color: var(--bad); white-space: nowrap; font-weight: 600 }
.said { white-space: pre-wrap }
.answer { background: var(--wash); border-left: .25rem solid var(--line); padding: .6rem .9rem;
  margin: .3rem 0 1rem; max-width: 48rem }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(7.5rem, 1fr)); gap: .6rem;
  margin: 1rem 0; padding: 0 }
.tiles div { background: var(--wash); padding: .6rem .8rem }
.tiles dt { color: var(--soft); font-size: .875rem }
.tiles dd { margin: 0; font-size: 1.35rem; font-variant-numeric: tabular-nums }
.bar { display: block; height: .6rem; background: var(--line); margin-top: .45rem; min-width: 5rem }
.bar span { display: block; height: 100%; background: var(--good) }
.wide { overflow-x: auto } .wide td, .wide th { padding-right: .7rem }
.wide th[scope=row] { min-width: 9rem } .sums { max-width: 32rem }
svg { display: block; width: 100%; max-width: 36rem; height: auto }
svg text { font: 13px system-ui, "Segoe UI", Roboto, Helvetica, Arial, sans-serif; fill: #565f69 }
footer { margin-top: 2.5rem; padding-top: .6rem; border-top: 1px solid var(--line);
  color: var(--soft); font-size: .9rem }
@media (max-width: 36rem) {
  body { padding: 1rem .9rem 2rem }
  .cards thead { position: absolute; clip-path: inset(50%); width: 1px; height: 1px;
    overflow: hidden; white-space: nowrap }
  .cards tr { display: block; border-top: 1px solid var(--line); padding: .5rem 0 }
  .cards td, .cards th { display: block; overflow-wrap: anywhere; border: 0; padding: .1rem 0;
    text-align: left }
  .cards td[data-label]:not(:empty)::before { content: attr(data-label) ": "; color: var(--soft) }
  .cards td:empty { display: none }
}
@media print { body { max-width: none; padding: 0 } .answer, tr { break-inside: avoid } }
"""


def page(title: str, body: str) -> str:
    """Return a whole page; `body` is HTML, `title` is text."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n"
        f"<body>\n{body}\n</body>\n</html>\n"
    )


def escape(text) -> str:
    """Return text from outside as HTML: nothing in it is markup, or cannot be written.

    >>> escape('<b title="x">\\x1b')
    '&lt;b title=&quot;x&quot;&gt;\\ufffd'
    """
    text = str(text).encode("utf-8", "replace").decode("utf-8")
    return html.escape(re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", "\ufffd", text))


def link(text: str, *parts: str) -> str:
    """Return a relative link to the file that the parts of a path name."""
    return f'<a href="{"/".join(quote(part, safe="") for part in parts)}">{escape(text)}</a>'


def number(value: float | None, unknown: str = "") -> str:
    """Return a number of points without superfluous digits.

    >>> number(2.0), number(1.8000000000000003), number(None, "?")
    ('2', '1.8', '?')
    """
    return unknown if value is None else f"{round(value, 4):.10g}"


def signed(status: str) -> str:
    """Return a status with a sign and a colour, so that no reader depends on the colour."""
    sign = {"passed": "✓", "grader-error": "?", "not-submitted": "–"}.get(status, "✗")
    kind = "good" if status == "passed" else "bad"
    return f'<span class="{kind}"><span aria-hidden="true">{sign}</span> {escape(status)}</span>'


def bullets(items: Iterable[str]) -> str:
    """Return a list; the items are HTML."""
    rows = "".join(f"<li>{item}</li>\n" for item in items)
    return f"<ul>\n{rows}</ul>" if rows else ""


def section(title: str, body: str) -> str:
    """Return a section under a heading, or nothing where there is no body."""
    return f"<section>\n<h2>{escape(title)}</h2>\n{body}\n</section>" if body else ""


def loud(title: str, body: str) -> str:
    """Return a section that nobody overlooks, or nothing where there is no body."""
    return f'<section class="loud">\n<h2>{escape(title)}</h2>\n{body}\n</section>' if body else ""


def plural(count: int, one: str, many: str | None = None) -> str:
    """Return a count with its noun.

    >>> plural(1, "answer"), plural(2, "answer"), plural(0, "copy", "copies")
    ('1 answer', '2 answers', '0 copies')
    """
    return f"{count} {one if count == 1 else many or one + 's'}"
