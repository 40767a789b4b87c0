// Live updates: the page is fetched again when it has changed, and its parts are replaced in place.
"use strict";

const live = { paused: false, request: null, timer: 0, etag: "" }; // the request of a poll
const LATE_MS = 60_000; // an answer that takes longer is none

// The HTML of each part as the server sent it: the part itself changes with ages, sorting and opened details.
const served = new Map();

// Every reply masks the token of its forms in another way, which is no change of theirs.
const htmlOf = part => part.outerHTML.replace(/(name="csrfmiddlewaretoken" value=")[^"]*/g, "$1");

function rememberParts() {
  for (const part of $$("[data-swap]")) served.set(part.id, htmlOf(part));
}

// Whether a field is not as the page came.
function isFilled(field) {
  if (field.matches("[type=checkbox], [type=radio]")) return field.checked !== field.defaultChecked;
  return field.value !== field.defaultValue;
}

function isInUse(part) {
  return part.querySelector("input:focus, select:focus, .cells:focus") || $$("input", part).some(isFilled);
}

// Columns, rows and links come, go and change places: those with a name are found again by it.
function nameOf(element) {
  const address = element.href || element.getAttribute("formaction") || element.form?.getAttribute("action");
  return address || (element.matches("th, th button, summary") ? element.textContent.trim() : "");
}

// The element of the new part with the same name, and as many of that name before it as in the old part.
function counterpart(element, selector, old, fresh) {
  const namesakes = part => $$(selector, part).filter(other => nameOf(other) === nameOf(element));
  return namesakes(fresh)[namesakes(old).indexOf(element)];
}

function keepOpened(old, fresh) {
  for (const summary of $$("details > summary", old)) {
    const other = counterpart(summary, "details > summary", old, fresh);
    if (other) other.parentElement.open = summary.parentElement.open;
  }
}

function keepSorted(old, fresh) {
  const tables = $$("table.sortable", fresh);
  $$("table.sortable", old).forEach((table, i) => {
    const sorted = tables[i] && table.querySelector("th[aria-sort]");
    const heading = sorted && counterpart(sorted, "thead th", table, tables[i]);
    if (heading) sortBy(heading, sorted.ariaSort === "descending");
  });
}

// Notices come over what is below them and leave their place empty: what one reads or is about to click stays.
function replaceNotices(old, fresh) {
  const next = document.querySelector("#notices ~ :not(.unseen)"); // the title for screen readers takes no room
  const top = next?.getBoundingClientRect().top;
  replacePart(old, fresh);
  if (!next || next.getBoundingClientRect().top === top) return;
  fresh.hidden = false;
  fresh.style.marginBottom = `${top - next.getBoundingClientRect().top}px`;
}

// Puts the new part in the place of the old one: opened, sorted, scrolled and focused as that was.
function replacePart(old, fresh) {
  makeSortable(fresh);
  keepOpened(old, fresh);
  keepSorted(old, fresh);
  const focused = document.activeElement;
  const toFocus = old.contains(focused) && counterpart(focused, focused.localName, old, fresh);
  const places = $$(".scroll", old).map(part => [part.scrollLeft, part.scrollTop]);
  old.replaceWith(fresh);
  htmx.process(fresh); // its links and forms
  $$(".scroll", fresh).forEach((part, i) => {
    [part.scrollLeft, part.scrollTop] = places[i] || [0, 0];
  });
  if (toFocus) toFocus.focus({ preventScroll: true });
}

// What a new load of the page would take away: what one types, has opened or chosen, what is said once and has a button
// (a new link, an undo), and an answer that is waited for.
function isBusy() {
  const found = "dialog[open], details.menu[open], :popover-open, .note.done button, .htmx-request";
  return document.querySelector(found) || isInUse(document) || String(getSelection());
}

function replaceParts(page) {
  const parts = document.getElementById("live")?.dataset.livePart ?? "[data-swap]";
  const names = root => $$(parts, root).map(part => part.id).join();
  // Where a part comes or goes, what is around it is another one too.
  if (names(page) !== names(document) && !isBusy()) return location.reload();
  for (const old of $$(parts)) {
    const fresh = page.getElementById(old.id);
    const html = fresh && htmlOf(fresh);
    if (!fresh || html === served.get(old.id) || isInUse(old)) continue;
    if (old.id === "notices") replaceNotices(old, fresh);
    else replacePart(old, fresh);
    served.set(old.id, html);
  }
  showAges();
  document.dispatchEvent(new CustomEvent("parts:replaced", { detail: page }));
}

async function fetchUpdate(mark, signal) {
  const address = location.href;
  const headers = live.etag ? { "If-None-Match": live.etag } : {};
  const reply = await fetch(address, { headers, cache: "no-store", signal });
  if (reply.redirected) return location.reload(); // signed out meanwhile
  mark.classList.toggle("stale", reply.status >= 400);
  const html = reply.status === 200 && await reply.text();
  if (!html || address !== location.href || !mark.isConnected) return; // of a page that is no longer there
  replaceParts(parsed(html));
  live.etag = reply.headers.get("ETag") || ""; // only now: what did not arrive is fetched again
}

async function poll() {
  const mark = document.getElementById("live");
  if (!mark || live.paused || live.request || document.hidden || document.querySelector("dialog[open]")) return;
  const request = live.request = new AbortController(); // one at a time: of two answers the older one may come last
  const late = setTimeout(() => request.abort(), LATE_MS);
  try {
    await fetchUpdate(mark, request.signal);
  } catch {
    mark.classList.add("stale");
  } finally {
    clearTimeout(late);
    if (live.request === request) live.request = null;
  }
}

function startLive() {
  clearInterval(live.timer);
  live.request?.abort(); // that of the page before
  live.request = null;
  const mark = document.getElementById("live");
  live.etag = mark?.dataset.etag || "";
  if (!mark) return;
  const button = mark.querySelector("[data-live-toggle]");
  if (button) button.setAttribute("aria-pressed", String(!live.paused));
  live.timer = setInterval(poll, mark.dataset.livePoll * 1000);
}

document.addEventListener("visibilitychange", poll);

document.addEventListener("click", event => {
  const button = event.target.closest("[data-live-toggle]");
  if (!button) return;
  live.paused = !live.paused;
  button.setAttribute("aria-pressed", String(!live.paused));
  if (!live.paused) poll();
});
