"""The HTML page in a real browser: what a maintainer does with it, by mouse, by keyboard, in both schemes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.report.browser import browser, wait_for
from tests.report.made_runs import BARB, FAILED, OCCASION, made_run
from vmirom.report.conformance.page import conformance_page

pytestmark = pytest.mark.slow
PLACES = 7


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_bytes(conformance_page(made_run(), OCCASION))
    return path.as_uri()


@pytest.fixture(scope="module")
def driver() -> Iterator[Any]:
    with browser() as one:
        yield one


@pytest.fixture
def page(driver: Any, address: str) -> Any:
    """The page, new, in its light scheme; afterwards nothing may have been said on the console or fetched."""
    driver.get("about:blank")
    driver.get_log("browser"), driver.get_log("performance")
    scheme(driver, "light")
    driver.get(address)
    driver.execute_script("localStorage.clear()")
    yield driver
    assert driver.get_log("browser") == []
    sent = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    asked = {m["params"]["request"]["url"] for m in sent if m["method"] == "Network.requestWillBeSent"}
    assert {url for url in asked if not url.startswith("data:")} <= {address, "about:blank"}
    assert driver.title.startswith("crash: ")


def scheme(driver: Any, name: str) -> None:
    features = [{"name": "prefers-color-scheme", "value": name}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


def shown(page: Any) -> list[str]:
    rows: list[str] = page.execute_script(
        "const rows = [...document.querySelectorAll('tr[data-id]')];"
        "return rows.filter(row => row.offsetHeight).map(row => row.dataset.id)"
    )
    return rows


def choose(page: Any, name: str, value: str) -> None:
    from selenium.webdriver.support.ui import Select

    Select(page.find_element("id", name)).select_by_value(value)


def press(page: Any, *keys: str) -> None:
    for key in keys:
        page.switch_to.active_element.send_keys(key)


def focused(page: Any) -> tuple[str, int]:
    """Clause and number of the place of the cell that has the focus."""
    found = page.execute_script(
        "const c = document.activeElement.closest('td'); if (!c) return ['', -1];"
        "return [c.parentNode.dataset.id, c.cellIndex - 1]"
    )
    return found[0], found[1]


def panel_text(page: Any) -> str:
    panel = page.find_element("id", "panel")
    return str(panel.text) if panel.is_displayed() else ""


def cell(page: Any, clause: str, place: int) -> Any:
    return page.find_element("css selector", f"tr[data-id='{clause}'] td:nth-child({place + 2})")


def click(page: Any, element: Any) -> None:
    page.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
    element.click()


def test_each_filter_leaves_what_it_says(page: Any) -> None:
    every = shown(page)
    assert len(every) == len(made_run().selection.chosen)
    choose(page, "area", "IRQ")
    assert shown(page) == [name for name in every if name.startswith("VMI-IRQ-")]
    choose(page, "area", "")
    choose(page, "call", "SetInterruptMask")
    mine = [clause.id for clause in made_run().selection.chosen if "SetInterruptMask" in clause.calls]
    assert shown(page) == mine and mine
    choose(page, "call", "")
    choose(page, "backend", "xen")
    choose(page, "host", "embedded")
    heads = page.execute_script(
        "return [...document.querySelectorAll('th[data-place]')].filter(h => h.offsetHeight).length"
    )
    assert heads == 1
    choose(page, "state", "failure")
    assert shown(page) == ["VMI-IRQ-05"]
    assert page.find_element("id", "shown").text == f"1 of {len(every)} clauses"
    choose(page, "state", "skip")
    assert shown(page) == [] and page.find_element("id", "nothing").is_displayed()
    page.find_element("css selector", "#nothing button").click()
    wait_for(page, "!document.getElementById('nothing').offsetHeight")
    assert shown(page) == every
    page.find_element("id", "search").send_keys("virtual_top")
    found = shown(page)
    assert "VMI-ROM-10" in found and len(found) < 10


def test_the_reason_of_a_red_cell_is_one_click_away(page: Any) -> None:
    page.find_element("id", "only-bad").click()
    assert page.find_element("id", "only-bad").get_attribute("aria-pressed") == "true"
    click(page, page.find_element("css selector", "td.failure"))
    text = panel_text(page)
    sentence = next(clause.sentence for clause in made_run().selection.chosen if clause.id == "VMI-IRQ-05")
    for words in ("VMI-IRQ-05 on xen", sentence, f"FAIL {FAILED}", "eax 00000200", "SetInterruptMask"):
        assert words in text, words
    assert "vmirom conform --on xen --abi 3.1 --select VMI-IRQ-05" in text
    assert "refused: no such port" in text and "mov eax, 0x200" in text
    assert page.current_url.endswith("#VMI-IRQ-05@xen")


def test_a_hostile_guest_prints_text(page: Any) -> None:
    page.execute_script("document.querySelectorAll('details').forEach(d => { d.open = true })")
    assert BARB in page.find_element("css selector", "main").text
    click(page, page.find_element("css selector", "td.crash"))
    assert f"killed: {BARB}" in panel_text(page)
    assert page.execute_script("return document.images.length") == 0


def test_the_replay_command_is_copied(page: Any, address: str) -> None:
    page.execute_cdp_cmd(
        "Browser.grantPermissions", {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]}
    )
    click(page, page.find_element("css selector", "td.failure"))
    button = page.find_element("css selector", "#panel [data-copy]")
    button.click()
    wait_for(page, "document.querySelector('#panel [data-copy]').textContent == 'Copied'")


def test_the_matrix_by_keyboard_alone(page: Any) -> None:
    from selenium.webdriver.common.keys import Keys

    first, second, *_, last = [clause.id for clause in made_run().selection.chosen]
    press(page, "/")
    assert page.switch_to.active_element.get_attribute("id") == "search"
    press(page, Keys.ENTER)
    assert focused(page) == (first, 0)
    press(page, Keys.ARROW_RIGHT, Keys.ARROW_DOWN)
    assert focused(page) == (second, 1)
    press(page, Keys.HOME)
    assert focused(page) == (second, 0)
    press(page, Keys.END, Keys.ARROW_RIGHT)
    assert focused(page) == (second, PLACES - 1)
    press(page, Keys.CONTROL + Keys.END)
    assert focused(page) == (last, PLACES - 1)
    press(page, Keys.CONTROL + Keys.HOME)
    press(page, "n")
    clause, place = focused(page)
    chosen = cell(page, clause, place)
    assert chosen.get_attribute("class") in ("failure", "crash", "error")
    press(page, Keys.ENTER)
    assert panel_text(page).startswith(f"{clause} on ")
    press(page, "n")
    assert focused(page) == ("", -1), "the focus stays in the panel"
    assert not panel_text(page).startswith(f"{clause} on ")
    press(page, Keys.ESCAPE)
    assert panel_text(page) == "" and focused(page) != ("", -1)
    press(page, "/")
    page.switch_to.active_element.send_keys("no clause has these words")
    assert shown(page) == []
    press(page, Keys.ESCAPE)
    assert len(shown(page)) == len(made_run().selection.chosen)


def test_everything_that_acts_is_reached_by_the_tab_key(page: Any) -> None:
    from selenium.webdriver.common.keys import Keys

    body = page.find_element("css selector", "body")
    body.send_keys(Keys.TAB)
    assert page.switch_to.active_element.text == "Skip to the matrix"
    seen = set()
    for _ in range(60):
        active = page.switch_to.active_element
        seen.add(active.get_attribute("id") or active.tag_name)
        width = page.execute_script("return getComputedStyle(document.activeElement).outlineWidth")
        assert float(width.removesuffix("px")) >= 2, "the focus is seen"
        if active.tag_name == "td":
            break
        active.send_keys(Keys.TAB)
    assert {"theme", "search", "area", "state", "backend", "host", "call", "only-bad", "td"} <= seen


def test_grid_roles_and_names(page: Any) -> None:
    tree = page.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    roles: dict[str, int] = {}
    for node in tree:
        role = str(node.get("role", {}).get("value"))
        roles[role] = roles.get(role, 0) + (not node.get("ignored"))
    rows = len(made_run().selection.chosen)
    assert roles["gridcell"] == rows * PLACES and roles["grid"] == 1
    assert roles["row"] >= rows and roles["main"] == 1 and roles["search"] == 1
    nameless = [
        node
        for node in tree
        if node.get("role", {}).get("value") in ("button", "link", "combobox", "searchbox", "image", "grid")
        and not node.get("ignored")
        and not node.get("name", {}).get("value")
    ]
    assert nameless == []


CONTRAST = """
const lum = (c) => { const [r, g, b] = c.match(/[\\d.]+/g).slice(0, 3).map(v => v / 255)
  .map(v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
  return .2126 * r + .7152 * g + .0722 * b; };
const back = (e) => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor;
  if (!/, 0\\)$/.test(c) && c !== 'transparent') return c; } return 'rgb(255, 255, 255)'; };
const bad = [], seen = new Set();
for (const e of document.querySelectorAll('body *')) {
  if (![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())) continue;
  if (!e.offsetHeight || e.closest('svg, script, style')) continue;
  const f = getComputedStyle(e).color, b = back(e), key = f + b;
  if (seen.has(key)) continue; seen.add(key);
  const [x, y] = [lum(f), lum(b)].sort((p, q) => q - p), ratio = (x + .05) / (y + .05);
  if (ratio < 4.5) bad.push([e.tagName, e.className, e.textContent.slice(0, 30), f, b, ratio.toFixed(2)]);
}
return [seen.size, bad];
"""


@pytest.mark.parametrize("name", ["light", "dark"])
def test_contrast_is_enough_in_both_schemes(page: Any, name: str) -> None:
    scheme(page, name)
    page.execute_script("document.querySelectorAll('details').forEach(d => { d.open = true })")
    click(page, page.find_element("css selector", "td.failure"))
    kinds, bad = page.execute_script(CONTRAST)
    assert kinds > 12 and bad == []


def test_dark_by_preference_and_by_choice(page: Any) -> None:
    ground = "return getComputedStyle(document.body).backgroundColor"
    light = page.execute_script(ground)
    scheme(page, "dark")
    dark = page.execute_script(ground)
    assert dark != light
    button = page.find_element("id", "theme")
    assert button.text == "Light scheme"
    button.click()
    assert page.execute_script(ground) == light and button.text == "Dark scheme"
    page.refresh()
    assert page.execute_script(ground) == light, "the choice is kept"
    page.find_element("id", "theme").click()
    scheme(page, "light")
    assert page.execute_script(ground) == dark


def test_no_movement_where_none_is_wanted(page: Any) -> None:
    page.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-reduced-motion", "value": "reduce"}]}
    )
    moving = page.execute_script(
        "const all = [...document.querySelectorAll('*')];"
        "return all.filter(e => parseFloat(getComputedStyle(e).transitionDuration)).length"
    )
    assert moving == 0


def test_nothing_is_wider_than_a_telephone(page: Any) -> None:
    size = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": False}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        assert page.execute_script("return document.documentElement.scrollWidth") <= 390
        click(page, cell(page, "VMI-IRQ-05", 2))
        assert page.find_element("id", "panel").size["width"] <= 390
    finally:
        page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_a_cell_has_an_address(page: Any, address: str) -> None:
    page.get("about:blank")
    page.get(f"{address}#VMI-IRQ-05@xen")
    assert panel_text(page).startswith("VMI-IRQ-05 on xen")
    page.get("about:blank")
    page.get(address)


def test_print_shows_all_and_no_buttons(page: Any) -> None:
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        assert not page.find_element("id", "tools").is_displayed()
        frame = page.execute_script(
            "const f = document.getElementById('frame'); return [f.clientHeight, f.scrollHeight]"
        )
        assert frame[0] == frame[1]
    finally:
        page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_without_javascript_all_is_there(address: str, tmp_path: Path) -> None:
    with browser(script=False) as page:
        page.get(address)
        assert not page.find_element("id", "tools").is_displayed()
        assert len(page.find_elements("css selector", "tr[data-id]")) == len(made_run().selection.chosen)
        link = page.find_element("css selector", "td.failure a")
        link.click()
        target = link.get_attribute("href").split("#")[1]
        article = page.find_element("id", target)
        assert article.is_displayed() and FAILED in article.text and "eax 00000200" in article.text
        assert page.get_log("browser") == []
