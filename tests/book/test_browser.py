"""The built book in a real browser: offline, without errors, accessible, narrow enough."""

from urllib.parse import unquote, urlsplit

import pytest
from conftest import PATIENCE, ROOT

pytestmark = [pytest.mark.browser, pytest.mark.slow]

DESKTOP, PHONE, SMALL = ({"width": width, "height": 900} for width in (1280, 390, 320))
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
CHAPTER_LIMIT = 1_500_000
PARTS = 7  # of the pages: workers share them; each has one or two chapters
TYPESET = "() => !window.MathJax || !MathJax.startup || MathJax.startup.promise.then(() => true)"
OPEN_FOLDS = "() => document.querySelectorAll('article details').forEach(d => { d.open = true; })"
UNTYPESET = """() => [...document.querySelectorAll('article .math')]
    .filter(m => !m.querySelector('mjx-container') || m.querySelector('mjx-merror'))
    .map(m => m.textContent.trim().slice(0, 60))"""
WIDE = """() => document.documentElement.scrollWidth <= window.innerWidth ? '' :
    [...document.querySelectorAll('body *')]
    .filter(e => e.getBoundingClientRect().right > window.innerWidth + 1)
    .filter(e => !e.closest('mjx-container'))
    .slice(0, 3).map(e => e.outerHTML.slice(0, 120)).join(' ; ')  || 'unknown element'"""
CUT_CODE = """() => [...document.querySelectorAll('article .cell_input pre')]
    .filter(e => e.scrollWidth > e.clientWidth)
    .map(e => e.textContent.split('\\n').sort((a, b) => b.length - a.length)[0])"""
# A long equation scrolls, and a shade at its edge says so.
CUT_EQUATIONS = """() => [...document.querySelectorAll('article mjx-container[display=true]')]
    .filter(e => e.querySelector('mjx-math').getBoundingClientRect().width > e.clientWidth + 1)
    .filter(e => getComputedStyle(e).overflowX !== 'auto'
        || getComputedStyle(e).backgroundImage.split('gradient').length < 5)
    .map(e => e.closest('.math').id)"""
# Most elements repeat others: words in a color, letters of formulas, icons of buttons. axe takes 15
# seconds for those of a long page, so of each kind (the same tags and classes on the way to it) the
# first stays. Of other words their text stays, of other formulas and icons their place.
ONE_OF_A_KIND = """() => {
    const seen = new Set();
    const again = key => seen.has(key) || !seen.add(key);
    const kind = e => e === document.body ? ''
        : `${e.tagName} ${e.getAttribute('class')} ${e.style.color}<` + kind(e.parentElement);
    const told = e => [...e.querySelectorAll('*')].flatMap(n => [...n.attributes]
        .filter(a => a.name === 'style' ? /color|opacity/.test(a.value)
            : /^(href|role|tabindex|aria-.*)$/.test(a.name))
        .map(a => `${n.tagName} ${a.name}=${a.value}`));
    const formulas = [...document.querySelectorAll('mjx-math')]
        .map(e => [e, e.closest('mjx-container'), e.getBoundingClientRect()]);
    for (const [math, e, {width, height}] of formulas) {
        if (!again(kind(e) + e.tabIndex + [...new Set(told(e))])) continue;
        for (const part of e.children) part.replaceChildren();
        math.style.cssText += `; display: inline-block; width: ${width}px; height: ${height}px`;
    }
    for (const e of document.querySelectorAll('svg'))
        if (again(kind(e.parentElement) + e.outerHTML))
            e.replaceChildren(...e.querySelectorAll('title, desc'));  // its name
    const words = 'span, em, strong, b, q, code, td > p:only-child, li > p:only-child';
    for (const e of document.querySelectorAll(words)) {
        if (e.closest('mjx-container') || [...e.attributes].some(a => a.name !== 'class')) continue;
        if (again(kind(e))) e.replaceWith(...e.childNodes);
    }
    // What is left of these says nothing new either: a paragraph without a link, a table's row
    // without one, a button to copy code, a link of the contents.
    const plain = e => [...e.attributes].every(a => a.name === 'class');
    for (const e of document.querySelectorAll('p'))
        if (plain(e) && !e.children.length && e.textContent.trim() && again(kind(e))
            && !e.closest('summary, a, button, label')) e.remove();
    for (const [i, table] of [...document.querySelectorAll('table')].entries())
        for (const row of table.querySelectorAll('tbody tr')) {
            const parts = [row, ...row.querySelectorAll('*')];
            if (parts.every(plain) && again(i + parts.map(kind))) row.remove();
        }
    for (const e of document.querySelectorAll('button.copybtn'))
        if (again(kind(e) + e.outerHTML.replace(/ data-clipboard-target="[^"]*"/, ''))) e.remove();
    for (const e of document.querySelectorAll('.page-toc li')) {
        const [link, ...others] = e.children;
        const told = [...link.attributes].map(a => a.name).filter(name => name !== 'href');
        if (!others.length && link.textContent.trim() && again(kind(link) + told)) e.remove();
    }
}"""
# A while after a change of width, the theme lets the Tab key reach what scrolls, by this rule.
TAB_STOPS = """() => [...document.querySelectorAll('pre, .nboutput > .output_area, ' +
    '.cell_output > .output, .jp-RenderedHTMLCommon, .pst-scrollable-table-container')].every(
    e => !e.tabIndex || (e.scrollWidth <= e.clientWidth && e.scrollHeight <= e.clientHeight)) &&
    [...document.querySelectorAll('.rnn-stage')].every(
    e => e.tabIndex === 0 || e.scrollWidth <= e.clientWidth + 1)"""  # drawn for this width
AXE = """async rules => (await axe.run(document,
     {runOnly: rules, resultTypes: ['violations'], preload: false}))
    .violations.flatMap(v => v.nodes.slice(0, 3).map(
        n => v.id + ': ' + n.target.join(' ') + ' | ' + n.html.slice(0, 160)
            + ' | ' + n.failureSummary.split('\\n').slice(1, 3).join(' ').slice(0, 240)))"""


def pages(book):
    """Return the book's pages, relative to its folder."""
    found = sorted(p.relative_to(book).as_posix() for p in book.rglob("*.html"))
    return [p for p in found if not p.startswith("_static/")]


class Visit:
    """Open pages one after another and note what goes wrong."""

    def __init__(self, browser, base, **context):
        self.base = base
        self.problems = []
        self.requested = set()
        self.context = browser.new_context(reduced_motion="reduce", **context)
        self.context.set_default_timeout(PATIENCE)
        self.page = self.context.new_page()
        self.page.on("request", self.on_request)
        self.page.on("pageerror", lambda e: self.note(f"page error: {e}"))
        self.page.on("requestfailed", self.on_failure)
        self.page.on("console", lambda m: m.type == "error" and self.note(f"console: {m.text}"))

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.context.close()

    def note(self, problem):
        """Remember a problem of the present page."""
        self.problems.append(f"{self.name}: {problem}")

    def on_request(self, request):
        """Note a request that leaves; remember the others."""
        if request.url.startswith(("data:", "blob:", "about:")):
            return
        if not request.url.startswith(self.base):
            self.note(f"asks another host: {request.url}")
        self.requested.add(unquote(urlsplit(request.url[len(self.base) :]).path))

    def on_failure(self, request):
        """Note what did not come; what is aborted, such as the icon, we left behind ourselves."""
        if request.failure != "net::ERR_ABORTED":
            self.note(f"failed: {request.url} {request.failure}")

    def open(self, name):
        """Load a page, wait for its equations, open its folds."""
        self.name = name
        self.requested = set()
        self.page.goto(self.base + name, wait_until="load")
        self.page.wait_for_function(TYPESET)
        self.page.evaluate(OPEN_FOLDS)
        for equation in self.page.evaluate(UNTYPESET):
            self.note(f"equation not typeset: {equation}")

    def check(self, screen, theme, rules):
        """Show the present page on a screen, in a theme, and look at it with axe."""
        self.page.set_viewport_size(screen)
        self.page.emulate_media(color_scheme=theme)
        self.page.wait_for_function(f"document.documentElement.dataset.theme == '{theme}'")
        self.page.wait_for_function(TAB_STOPS)
        for violation in self.page.evaluate(AXE, rules):
            self.note(f"axe, {theme}, {screen['width']} pixels: {violation}")

    def check_width(self, screen):
        """Note what makes the page scroll sideways on a narrow screen."""
        self.page.set_viewport_size(screen)
        if wide := self.page.evaluate(WIDE):
            self.note(f"scrolls sideways at {screen['width']} pixels: {wide}")
        for equation in self.page.evaluate(CUT_EQUATIONS):
            self.note(f"cut at {screen['width']} pixels, and nothing says so: {equation}")


@pytest.mark.parametrize("part", range(PARTS))
def test_each_page_is_whole_accessible_narrow_and_light(book, browser, capsys, part):
    """From a folder; each page is loaded once, and looked at on a desktop and on phones."""
    axe = (ROOT / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
    assert any(name.startswith("notebooks/") for name in pages(book)), "the book has no chapter"
    weights = {}
    with Visit(browser, book.as_uri() + "/", viewport=DESKTOP, color_scheme="light") as visit:
        for name in pages(book)[part::PARTS]:
            visit.page.set_viewport_size(DESKTOP)
            visit.page.emulate_media(color_scheme="light")
            visit.open(name)
            own = {p for p in visit.requested if not p.startswith("_static/mathjax/")}
            weights[name] = sum((book / p).stat().st_size for p in own)
            for line in visit.page.evaluate(CUT_CODE):
                visit.note(f"a line of code is cut at {DESKTOP['width']} pixels: {line}")
            visit.check_width(PHONE)
            visit.check_width(SMALL)
            visit.page.evaluate(ONE_OF_A_KIND)
            visit.page.evaluate(axe)
            visit.check(DESKTOP, "light", RULES)
            visit.check(PHONE, "dark", RULES)
    with capsys.disabled():
        print("\nWeight of each page beside MathJax and its fonts, uncompressed:")
        print("\n".join(f"  {size / 1e6:5.2f} MB  {name}" for name, size in weights.items()))
    assert visit.problems == []
    chapters = {n: w for n, w in weights.items() if n.startswith("notebooks/")}
    assert {n: w for n, w in chapters.items() if w >= CHAPTER_LIMIT} == {}


def test_pages_are_whole_when_a_server_sends_them(book_url, browser):
    with Visit(browser, book_url, viewport=DESKTOP) as visit:
        for name in ("index.html", "notebooks/01_recurrent_neuron.html", "reference/api.html"):
            visit.open(name)
    assert visit.problems == []


BLOCKED = """for (const name of ["localStorage", "sessionStorage"])
    Object.defineProperty(window, name, {configurable: true, get() {
        throw new DOMException("Access is denied for this document.", "SecurityError"); }});"""


def test_where_the_browser_keeps_nothing_the_theme_s_buttons_work(book_url, browser):
    with Visit(browser, book_url, color_scheme="light", viewport=DESKTOP) as visit:
        visit.context.add_init_script(BLOCKED)
        visit.open("notebooks/01_recurrent_neuron.html")
        themes = set()
        for _ in range(3):
            visit.page.locator(".theme-switch-button:visible").first.click()
            themes.add(visit.page.evaluate("document.documentElement.dataset.theme"))
        assert themes == {"light", "dark"}
        search = visit.page.locator("dialog#pst-search-dialog")
        visit.page.keyboard.press("Control+k")
        search.wait_for(state="visible")
        visit.page.keyboard.press("Escape")
        search.wait_for(state="hidden")
        visit.page.locator(".search-button__button:visible").first.click()
        search.wait_for(state="visible")
    assert visit.problems == []


def test_search_finds_a_word_of_the_book(book_url, browser):
    with Visit(browser, book_url) as visit:
        visit.open("search.html?q=neuron")
        visit.page.wait_for_selector("#search-results li a")
    assert visit.problems == []


def test_the_color_button_changes_the_theme(book_url, browser):
    with Visit(browser, book_url, color_scheme="light") as visit:
        visit.open("index.html")
        themes = set()
        for _ in range(3):
            visit.page.locator(".theme-switch-button").first.click()
            themes.add(visit.page.evaluate("document.documentElement.dataset.theme"))
    assert themes == {"light", "dark"}
    assert visit.problems == []


def test_a_dark_page_is_printed_in_light(book_url, browser):
    with Visit(browser, book_url, color_scheme="dark") as visit:
        visit.open("index.html")
        background = "getComputedStyle(document.body).backgroundColor"
        assert visit.page.evaluate("document.documentElement.dataset.theme") == "dark"
        visit.page.evaluate(f"addEventListener('beforeprint', () => {{ printed = {background}; }})")
        visit.page.pdf()
        assert visit.page.evaluate("printed") == "rgb(255, 255, 255)"
        assert visit.page.evaluate("document.documentElement.dataset.theme") == "dark"
