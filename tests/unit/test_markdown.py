"""Untrusted text in Markdown: rendered by a real parser, it is the text and nothing else."""

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from gh_store_action.domain.markdown import code_span, link, markdown_text, shorten, visible

GFM = MarkdownIt("commonmark").enable(["table", "strikethrough"])
NASTY = st.text(alphabet=st.sampled_from("ab1 @#|`*_~[]{}()!$\\<>&-+=.:/\"'\n\r\t\u202e\u200b\x1b\ud800é"), max_size=40)


def rendered(markdown: str) -> str:
    return GFM.render(markdown)


def plain(rendered_html: str) -> str:
    return html.unescape(re.sub(r"</?(?:p|code)>", "", rendered_html)).strip("\n").replace("\u200b", "")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain é 漢 🚀", "plain é 漢 🚀"),
        ("two\nlines\r\n", r"two\nlines\r\n"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("\u202eabc\u2066", r"\u202eabc\u2066"),
        ("a\u2028b\u2029c\x85d", r"a\u2028b\u2029c\x85d"),
        ("\ud800", r"\ud800"),
        ("zero\u200bwidth\ufeff", r"zero\u200bwidth\ufeff"),
    ],
)
def test_visible__what_can_not_be_seen_is_written_out(text: str, shown: str) -> None:
    assert visible(text) == shown


@pytest.mark.parametrize(("text", "cut"), [("abc", "abc"), ("abcd", "ab…"), ("", "")])
def test_shorten__ends_in_an_ellipsis_where_some_is_missing(text: str, cut: str) -> None:
    assert shorten(text, 3) == cut


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("hello", "hello"),
        ("@bob", "@&#8203;bob"),
        ("see #12 and GH-7", "see #&#8203;12 and GH-&#8203;7"),
        ("high-level", "high-level"),
        ("https://github.com/o/r/issues/1", "https:&#8203;//github.com/o/r/issues/1"),
        ("WWW.evil.example", "WWW.&#8203;evil.example"),
        ("a|b", "a&#124;b"),
        ("<img src=x>", "&#60;img src=x&#62;"),
        ("&lt;", "&#38;lt;"),
        ("`code` *b* _i_ ~s~", "&#96;code&#96; &#42;b&#42; &#95;i&#95; &#126;s&#126;"),
        ("[x](y)!", "&#91;x&#93;&#40;y&#41;&#33;"),
        ("back\\slash $m$ {x}", "back&#92;slash &#36;m&#36; &#123;x&#125;"),
        ("one\n\n# two", "one #&#8203; two"),
        ("- item", "&#45; item"),
        ("+ item", "&#43; item"),
        ("=== ", "&#61;=="),
        ("12. item", "12&#46; item"),
        ("12) item", "12&#41; item"),
        ("  \n ", ""),
        ("", ""),
    ],
)
def test_markdown_text__formats_nothing_and_calls_nobody(text: str, markdown: str) -> None:
    assert markdown_text(text) == markdown


def test_markdown_text__shows_no_more_than_it_may() -> None:
    assert markdown_text("x" * 20, limit=5) == "xxxx…"


@given(NASTY)
def test_markdown_text__renders_to_the_text_alone(text: str) -> None:
    line = visible(re.sub(r"\s+", " ", text).strip())
    found = rendered(markdown_text(text))
    assert plain(found) == line
    assert not re.search(r"<(?!/?p>)", found)
    assert not re.search(r"[@#]\w", html.unescape(found))


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("$.a[0]", "`$.a[0]`"),
        ("@bob #1", "`@bob #1`"),
        ("a\nb", r"`a\nb`"),
        (" a ", "`  a  `"),
        ("a|b", "<code>a&#124;b</code>"),
        ("`@x` https://y www.z", "<code>&#96;&#64;x&#96; https&#58;&#47;&#47;y &#119;&#119;&#119;&#46;z</code>"),
        ("  ", "<code>  </code>"),
        ("", "<code></code>"),
    ],
)
def test_code_span__is_code_in_a_table_too(text: str, markdown: str) -> None:
    assert code_span(text) == markdown


@given(NASTY)
def test_code_span__renders_to_one_cell_with_the_text(text: str) -> None:
    found = rendered(f"| a | b |\n|---|---|\n| {code_span(text)} | end |\n")
    cells = re.findall(r"<td>(.*?)</td>", found, re.DOTALL)
    assert len(cells) == 2 and cells[1] == "end"
    assert html.unescape(cells[0].removeprefix("<code>").removesuffix("</code>")).strip(" ") == visible(text).strip(" ")


@pytest.mark.parametrize(
    ("url", "markdown"),
    [
        ("", "#12"),
        ("https://github.com/o/r/issues/12#issuecomment-3", "[#12](https://github.com/o/r/issues/12#issuecomment-3)"),
        ("https://x/a)b c<d>|%20", "[#12](https://x/a%29b%20c%3Cd%3E%7C%20)"),
    ],
)
def test_link__can_not_be_left_early(url: str, markdown: str) -> None:
    assert link("#12", url) == markdown
