"""The built-in renderer's site in a real Chromium, from a disk and from a server."""

from __future__ import annotations

import functools
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.brief.executed import make_project
from workbench.brief.site import publish

playwright = pytest.importorskip(
    "playwright.sync_api", reason="install the extra 'test' for the browser checks"
)

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        CHROMIUM is None,
        reason="no Chromium on the PATH: the pages were not opened in a browser "
        "(apt-get install chromium)",
    ),
]

ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
]
DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
PAGES = (
    "index",
    "personas/team_leads",
    "data_quality",
    "methods",
    "archive",
    "appendix/all/audit",
    "appendix/team_leads/psm",
)

FIND_WEAK_TEXT = """
() => {
  const luminance = (c) => {
    const f = c.map((v) => {
      v /= 255;
      return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * f[0] + 0.7152 * f[1] + 0.0722 * f[2];
  };
  const parse = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const ground = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const c = parse(getComputedStyle(e).backgroundColor);
      if (c.length === 3 || c[3] === 1) return c.slice(0, 3);
    }
    return [255, 255, 255];
  };
  const weak = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const parent = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !parent.checkVisibility()) continue;
    const style = getComputedStyle(parent);
    const ink = parent.closest("svg") ? style.fill : style.color;
    const a = luminance(parse(ink).slice(0, 3));
    const b = luminance(ground(parent));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) weak.push(walker.currentNode.data.trim() + " " + ratio);
  }
  return weak;
}
"""
FIND_NAMELESS = """
() => [...document.querySelectorAll("a, button, input, [role=img], [role=region]")]
  .filter((e) => e.checkVisibility() && !e.ariaHidden && !(
    e.innerText?.trim() || e.getAttribute("aria-label")))
  .map((e) => e.outerHTML)
"""


@dataclass
class Visit:
    """A page in the browser and everything it asked for or complained of."""

    page: Any
    base: str
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def open(self, address: str, fragment: str = "") -> None:
        self.page.goto(f"{self.base}/{address}.html{fragment}")
        self.page.wait_for_load_state("load")

    def outside(self) -> list[str]:
        return [url for url in self.requests if not url.startswith(self.base)]

    def width(self) -> tuple[int, int]:
        sizes = self.page.evaluate(
            "[document.documentElement.scrollWidth, window.innerWidth]"
        )
        return tuple(sizes)


Visitor = Callable[..., Visit]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = make_project(tmp_path_factory.mktemp("site"))
    published = publish(
        project.params, project.workspace, project.quarter, renderer="builtin"
    )
    return published.folder


class _Silent(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        return


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[str]:
    handler = functools.partial(_Silent, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as serving:
        thread = threading.Thread(target=serving.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{serving.server_port}"
        serving.shutdown()
        thread.join()


@pytest.fixture(params=["disk", "server"])
def base(request: pytest.FixtureRequest, folder: Path) -> str:
    """Where the pages are opened from."""
    if request.param == "disk":
        return folder.as_uri()
    return str(request.getfixturevalue("server"))


@pytest.fixture
def visit(browser: Any) -> Iterator[Visitor]:
    """Open a fresh profile; its requests and complaints are kept."""
    contexts = []

    def start(base: str, **options: Any) -> Visit:
        context = browser.new_context(**options)
        contexts.append(context)
        context.set_default_timeout(10_000)
        seen = Visit(context.new_page(), base)

        def route(handling: Any) -> None:
            url = handling.request.url
            seen.requests.append(url)
            if url.startswith((base, "data:")):
                handling.continue_()
            else:
                handling.abort()

        context.route("**/*", route)
        seen.page.on("console", lambda message: seen.complaints.append(message.text))
        seen.page.on("pageerror", lambda error: seen.complaints.append(str(error)))
        return seen

    yield start
    for context in contexts:
        context.close()


@pytest.mark.parametrize(
    ("size", "scheme"),
    [(DESKTOP, "light"), (PHONE, "dark")],
    ids=["desktop light", "phone dark"],
)
def test_every_page_is_quiet_and_fits(
    visit: Visitor, base: str, size: dict[str, int], scheme: str
) -> None:
    seen = visit(base, viewport=size, color_scheme=scheme)
    for address in PAGES:
        seen.open(address)
        scroll, inner = seen.width()
        assert scroll <= inner, address
        broken = seen.page.evaluate(
            "[...document.images].filter((i) => !i.naturalWidth).map((i) => i.src)"
        )
        assert broken == []
        assert seen.page.evaluate(FIND_WEAK_TEXT) == [], address
        assert seen.page.evaluate(FIND_NAMELESS) == [], address
    assert seen.complaints == []
    assert seen.outside() == []
    assert len(seen.requests) > len(PAGES)


def test_colours_follow_the_system_until_chosen(visit: Visitor, base: str) -> None:
    seen = visit(base, viewport=DESKTOP, color_scheme="dark")
    ground = "getComputedStyle(document.body).backgroundColor"
    seen.open("index")
    assert seen.page.evaluate(ground) == "rgb(18, 25, 31)"
    button = seen.page.locator("#scheme-button")
    assert button.get_attribute("aria-pressed") == "true"
    button.click()
    assert seen.page.evaluate(ground) == "rgb(255, 255, 255)"
    assert button.get_attribute("aria-pressed") == "false"
    seen.open("personas/team_leads")
    assert seen.page.evaluate(ground) == "rgb(255, 255, 255)"
    assert seen.complaints == []


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_menu_of_the_phone_opens_and_leads_on(
    visit: Visitor, folder: Path, scripts: bool
) -> None:
    seen = visit(folder.as_uri(), viewport=PHONE, java_script_enabled=scripts)
    seen.open("index")
    menu = seen.page.locator("#quarto-sidebar")
    assert not menu.is_visible()
    seen.page.get_by_role("button", name="Menu").click()
    assert menu.is_visible()
    menu.get_by_role("link", name="Methods").click()
    seen.page.wait_for_url("**/methods.html")
    assert not menu.is_visible()
    assert seen.outside() == []


def test_menu_of_the_desktop_stands_beside_the_page(
    visit: Visitor, folder: Path
) -> None:
    seen = visit(folder.as_uri(), viewport=DESKTOP)
    seen.open("personas/team_leads")
    menu = seen.page.locator("#quarto-sidebar")
    assert menu.is_visible()
    assert not seen.page.get_by_role("button", name="Menu").is_visible()
    current = menu.locator("[aria-current=page]")
    assert current.inner_text() == "Team leads"
    box, main = menu.bounding_box(), seen.page.locator("main").bounding_box()
    assert box["x"] + box["width"] <= main["x"]
    assert not menu.get_by_role("link", name="Data audit").is_visible()
    menu.get_by_text("Appendix").click()
    menu.get_by_role("link", name="Data audit").click()
    seen.page.wait_for_url("**/appendix/all/audit.html")


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_search_finds_and_leads_on(
    visit: Visitor, base: str, size: dict[str, int]
) -> None:
    seen = visit(base, viewport=size)
    seen.open("appendix/team_leads/psm")
    seen.page.get_by_role("button", name="Search").click()
    panel = seen.page.locator("#search-panel")
    field_ = panel.get_by_role("searchbox")
    assert field_.evaluate("e => e === document.activeElement")
    field_.fill("propensity")
    hit = panel.locator("#search-results a").first
    hit.wait_for()
    assert "Methods › Glossary" in hit.inner_text()
    assert panel.locator("mark").first.inner_text().lower() == "propensity"
    assert panel.locator("#search-state").inner_text() == "1 place"
    hit.click()
    seen.page.wait_for_url("**/methods.html#glossary")
    assert seen.complaints == []
    assert seen.outside() == []


def test_search_says_when_there_is_nothing(visit: Visitor, folder: Path) -> None:
    seen = visit(folder.as_uri(), viewport=DESKTOP)
    seen.open("index")
    seen.page.keyboard.press("/")
    seen.page.keyboard.type("x")
    state = seen.page.locator("#search-state")
    assert state.inner_text() == "Type two letters or more."
    seen.page.keyboard.type("qzq")
    playwright.expect(state).to_have_text("Nothing found.")
    seen.page.keyboard.press("Escape")
    assert not seen.page.locator("#search-panel").is_visible()


def test_pages_read_without_scripts(visit: Visitor, folder: Path) -> None:
    seen = visit(folder.as_uri(), viewport=DESKTOP, java_script_enabled=False)
    seen.open("index")
    assert seen.page.locator("h1").inner_text().startswith("Learning returned 64 %")
    assert not seen.page.locator("#search-button").is_visible()
    assert seen.page.locator("#quarto-sidebar").is_visible()


def test_keyboard_reaches_the_content_first(visit: Visitor, folder: Path) -> None:
    seen = visit(folder.as_uri(), viewport=DESKTOP)
    seen.open("methods")
    seen.page.keyboard.press("Tab")
    focused = "document.activeElement.textContent"
    assert seen.page.evaluate(focused) == "Skip to the content"
    seen.page.keyboard.press("Enter")
    seen.page.keyboard.press("Tab")
    inside = "document.activeElement.closest('main') !== null"
    assert seen.page.evaluate(inside)


def test_wide_parts_scroll_by_themselves_on_a_phone(
    visit: Visitor, folder: Path
) -> None:
    seen = visit(folder.as_uri(), viewport=PHONE)
    seen.open("index")
    sizes = "(e) => [e.scrollWidth, e.clientWidth]"
    table = seen.page.locator(".table-wrap").first
    content, box = table.evaluate(sizes)
    assert content > box
    caption = table.locator("caption").bounding_box()
    assert caption["x"] + caption["width"] <= PHONE["width"]
    figure = seen.page.locator(".quarto-float-fig > div").first
    content, box = figure.evaluate(sizes)
    assert content > box
    assert figure.get_attribute("tabindex") == "0"


def test_cards_stand_level(visit: Visitor, folder: Path) -> None:
    seen = visit(folder.as_uri(), viewport=DESKTOP)
    seen.open("index")
    tops = "(all) => all.map((e) => Math.round(e.getBoundingClientRect().top))"
    cards = seen.page.locator(".kpi-cards").first
    for part in (".kpi-value", ".kpi-target", ".kpi-card"):
        found = cards.locator(part).evaluate_all(tops)
        assert len(found) == 4
        assert len(set(found)) == 1, part


def test_print_leaves_the_frame_out(visit: Visitor, folder: Path) -> None:
    seen = visit(folder.as_uri(), viewport=DESKTOP, color_scheme="dark")
    seen.open("methods")
    seen.page.emulate_media(media="print")
    for name in ("#quarto-header", "#quarto-sidebar", "#TOC"):
        assert not seen.page.locator(name).is_visible()
    colour = "getComputedStyle(document.querySelector('main')).color"
    assert seen.page.evaluate(colour) == "rgb(0, 0, 0)"


def test_policy_stops_what_slipped_in(visit: Visitor, base: str) -> None:
    seen = visit(base, viewport=DESKTOP)
    seen.open("index")
    seen.page.evaluate(
        "document.querySelector('main').insertAdjacentHTML('beforeend',"
        "'<img src=x onerror=\"window.slipped = true\">')"
    )
    seen.page.wait_for_timeout(200)
    assert seen.page.evaluate("window.slipped") is None
    assert any("Content Security Policy" in text for text in seen.complaints)
