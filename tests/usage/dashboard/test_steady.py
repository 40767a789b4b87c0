"""Nothing moves under the eyes: pages as they load, and as live updates and notices come and go."""

import pytest

from tests.usage.dashboard.browsing import open_page

# Chromium's own measure; what follows a key or a click within half a second does not count.
WATCH = """window.moved = [];
new PerformanceObserver(list => {
  for (const { value, hadRecentInput, sources } of list.getEntries()) {
    if (!hadRecentInput) moved.push([value, sources.map(({ node }) => node?.id || node?.className || node?.nodeName)]);
  }
}).observe({ type: "layout-shift", buffered: true });"""
LATE = ("?range=7d", "analysis/")  # with parts that come after the page
WHOLE = ("analysis/failures/", "requests/", "accounts/", "health/", "prices/", "keys/", "system/")
# A later answer: an age more, longer figures, a row more, and the notices gone; then as it was.
LATER = """async () => {
  const html = await (await fetch(location.href)).text();
  const page = new DOMParser().parseFromString(html, "text/html");
  for (const figure of page.querySelectorAll("data.n")) figure.textContent += "9";
  for (const row of page.querySelectorAll("#requests tbody tr:first-child")) row.before(row.cloneNode(true));
  page.querySelector("#notices").hidden = true;
  page.querySelector("#notices").replaceChildren();
  replaceParts(page);
  await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));  // until it is painted
  replaceParts(new DOMParser().parseFromString(html, "text/html"));
}"""
MOST = 0.01


@pytest.mark.parametrize("width", [390, 1440])
def test_nothing_moves_while_pages_load_and_change(chromium, served, width):
    context = chromium.new_context(base_url=served, viewport={"width": width, "height": 900})
    context.add_init_script(WATCH)
    page = context.new_page()
    for path in (*LATE, *WHOLE):
        page.goto(path, wait_until="networkidle" if path in LATE else "load")
        page.evaluate(LATER)
        page.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done, 50)))")
        moved = page.evaluate("moved")
        assert sum(value for value, _ in moved) <= MOST, (path, moved)
    context.close()


def test_a_notice_that_comes_later_covers_and_one_that_goes_leaves_its_place(page):
    open_page(page, "accounts/?range=7d")
    top = "document.getElementById('accounts').getBoundingClientRect().top"
    before = page.evaluate(top)
    page.evaluate(LATER)
    assert page.evaluate(top) == before
    assert page.locator("#notices .note").first.is_visible()
