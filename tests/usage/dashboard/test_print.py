"""Pages on paper: light whatever the theme, without what can only be clicked, and nothing of a table left out."""

import pytest

from tests.usage.dashboard.browsing import PAGES, open_page

PAPER = {"width": 703, "height": 1000}  # A4 without its margins, in CSS pixels
# The last are words on paper: Chromium leaves out a button in the head that a table repeats on its next sheet.
CONTROLS = (
    ".tools, .find, .pager, .button, summary.button, .menu, nav a:not([aria-current]), .seg > :not([aria-current]), "
    "thead button"
)
LEFT = """controls => ({
  controls: [...document.querySelectorAll(controls)].filter(one => one.checkVisibility()).map(one => one.outerHTML),
  cut: [...document.querySelectorAll(".scroll, .plot, .card")].filter(
    one => one.checkVisibility() && (one.scrollWidth > one.clientWidth + 1 || one.scrollHeight > one.clientHeight + 1)
  ).map(one => `${one.getAttribute("aria-label") || one.className} ${one.scrollWidth} ${one.clientWidth}`),
  wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  ground: getComputedStyle(document.querySelector(".panel, .note, main")).colorScheme,
  ink: getComputedStyle(document.body).color,
})"""


@pytest.mark.parametrize("path", [path for name, path in PAGES.items() if name != "filters"])
def test_a_page_prints_light_and_whole(page, path):
    page.set_viewport_size(PAPER)
    page.emulate_media(color_scheme="dark", media="print")
    open_page(page, path)
    found = page.evaluate(LEFT, CONTROLS)
    assert found == {"controls": [], "cut": [], "wide": 0, "ground": "light", "ink": "rgb(22, 25, 31)"}


def test_a_chart_is_drawn_again_for_paper_and_for_the_screen(page):
    page.emulate_media(color_scheme="dark")
    open_page(page, "")
    dark = bar_colour(page)
    page.emulate_media(color_scheme="dark", media="print")
    page.wait_for_timeout(200)
    light = bar_colour(page)
    page.emulate_media(color_scheme="dark", media="screen")
    page.wait_for_timeout(200)
    assert (dark, light, bar_colour(page)) == ("rgb(124, 156, 255)", "rgb(47, 91, 234)", dark)


def test_a_statement_on_paper_has_no_filters_and_a_total_that_stands_out(page):
    page.emulate_media(media="print")
    open_page(page, "statement/?start=2020-01-01&end=2026-12-01&provider=claude")
    assert page.locator(".filters").is_hidden()
    found = page.evaluate("""() => [...document.querySelectorAll("tfoot > tr > *")].map(cell => {
        const style = getComputedStyle(cell);
        const group = getComputedStyle(cell.closest("tfoot")).display;
        return [style.fontWeight, style.borderTopStyle, style.borderTopColor, group].join(" ");
    })""")
    assert len(found) == 16 and set(found) == {"640 solid rgb(85, 94, 108) table-row-group"}
    breaks = page.locator(".panel").evaluate_all("all => all.map(one => getComputedStyle(one).breakInside)")
    assert breaks == ["auto"] * 3  # a table may go on, so that no sheet stays half empty


def bar_colour(page):
    """Of the lowest layer of the chart."""
    page.wait_for_timeout(300)
    return page.evaluate("[...charts.values()].map(chart => chart.data.datasets[0].backgroundColor)[0]")
