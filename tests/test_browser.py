# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The built documentation in a real browser: ``tox -e browser``, or ``--docs-html=DIR``."""

import re
import shutil
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import unquote, urlsplit

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PAGES = {
    "landing": "index.html",
    "gallery": "generated/gallery/index.html",
    "example": "generated/gallery/**/plot_*.html",
    "class": "api/rcasym.AsymmetryMap.html",
    "formula": "api/rcasym.ages.AgeBias.html",
    "search": "search.html",
}
WIDTHS = (1280, 390)

# Load lazy images far down the page too.
BROKEN_IMAGES = """async () => {
    const broken = [];
    for (const image of document.images) {
        image.loading = "eager";
        await image.decode().catch(() => broken.push(image.outerHTML));
    }
    return broken;
}"""
SEARCH_IS_DONE = """() => /finished|did not match/.test(
    document.querySelector("#search-results .search-summary")?.textContent)"""


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


class Page(HTMLParser):
    """Links of a page, addresses that it loads, and ids that a link can name."""

    def __init__(self, path):
        super().__init__()
        self.links, self.loaded, self.ids = set(), set(), set()
        self.feed(path.read_text(encoding="utf-8"))
        self.close()

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.ids.add(attrs.get("id"))
        links = {attrs.get("href"), attrs.get("src")} - {None}
        links |= {size.split()[0] for size in attrs.get("srcset", "").split(",") if size.strip()}
        self.links |= links
        if "src" in attrs or attrs.get("rel") in ("stylesheet", "preload", "icon"):
            self.loaded |= links


@pytest.fixture(scope="module")
def html(request):
    folder = request.config.getoption("--docs-html")
    if folder is None:
        pytest.skip("--docs-html=DIR was not given (tox -e browser builds the documentation, then "
                    "opens it in a browser)")
    folder = Path(folder).resolve()
    if not (folder / "index.html").is_file():
        pytest.fail(f"--docs-html must be the folder of the built documentation; got {folder}",
                    pytrace=False)
    return folder


@pytest.fixture(scope="module")
def pages(html):
    """All pages by path, without the theme's templates."""
    return {path: Page(path) for path in sorted(html.rglob("*.html"))
            if path.relative_to(html).parts[0] != "_static"}


@pytest.fixture(scope="module")
def site(html):
    handler = partial(QuietHandler, directory=html)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def browser(html):
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        pytest.fail("playwright is not installed: pip install playwright", pytrace=False)
    executable = next(filter(None, map(shutil.which, BROWSERS)), None)
    if executable is None:
        pytest.fail(f"none of {', '.join(BROWSERS)} is installed: apt install chromium",
                    pytrace=False)
    with sync_playwright() as playwright, \
            playwright.chromium.launch(executable_path=executable) as browser:
        yield browser


@pytest.fixture
def visit(site, browser):
    """Function that opens a page and returns it with a list of its problems."""
    pages = []

    def visit(path, width=WIDTHS[0]):
        page, problems = browser.new_page(viewport={"width": width, "height": 900}), []
        pages.append(page)
        page.set_default_timeout(120_000)  # [ms], for busy machines

        def on_console(message):
            if message.type == "error":
                problems.append(f"console: {message.text} ({message.location['url']})")

        page.on("console", on_console)
        page.on("pageerror", lambda error: problems.append(f"script: {error.stack}"))
        page.on("requestfailed",
                lambda request: problems.append(f"{request.failure}: {request.url}"))
        page.goto(site + path, wait_until="networkidle")
        return page, problems

    yield visit
    for page in pages:
        page.close()


def fail_if_any(problems):
    if problems:
        pytest.fail("\n".join(problems), pytrace=False)


def is_valid(link, path, pages, html):
    link = urlsplit(link)
    target = (path.parent / unquote(link.path)).resolve() if link.path else path
    return (target.is_file() and target.is_relative_to(html)
            and (not link.fragment or target not in pages
                 or unquote(link.fragment) in pages[target].ids))


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("pattern", PAGES.values(), ids=PAGES)
def test_page(visit, html, pattern, width):
    path = min(html.glob(pattern), default=html / pattern).relative_to(html)
    page, problems = visit(path.as_posix(), width)
    problems += [f"broken image: {image}" for image in page.evaluate(BROKEN_IMAGES)]
    page_width = page.evaluate("document.documentElement.scrollWidth")
    if page_width > width + 1:
        problems.append(f"{page_width} pixels wide, not {width}")
    fail_if_any(problems)


@pytest.mark.parametrize(("words", "result"), [("asymmetry", "index.html"),
                                               ("AsymmetryMap", "api/rcasym.AsymmetryMap.html")])
def test_search(visit, site, html, pages, words, result):
    page, problems = visit("index.html")
    page.get_by_role("button", name="Search").locator("visible=true").first.click()
    page.get_by_role("searchbox").locator("visible=true").first.fill(words)
    page.keyboard.press("Enter")
    page.wait_for_function(SEARCH_IS_DONE)
    links = page.locator("#search-results li a").evaluate_all("links => links.map(a => a.href)")
    results = [link.removeprefix(site) for link in links]
    if result not in [link.partition("#")[0] for link in results]:
        problems.append(f"{result} is not in the results {results}")
    fail_if_any(problems + [f"broken result: {link}" for link in results
                            if not is_valid(link, html / "index.html", pages, html)])


def test_links(html, pages):
    fail_if_any([f"{path.relative_to(html)}: {link}" for path, page in pages.items()
                 for link in sorted(page.links) if not re.match(r"[\w+.-]+:|//", link)
                 and not is_valid(link, path, pages, html)])


def test_pages_load_nothing_from_other_hosts(html, pages):
    """Check all pages, not only those that the browser opens."""
    fail_if_any([f"{path.relative_to(html)}: {link}" for path, page in pages.items()
                 for link in sorted(page.loaded) if urlsplit(link).netloc])
