// What every page does beyond HTML: ages that keep counting, tooltips and clicks of heat maps, the filter panel,
// and live updates. Without it every page still works.
"use strict";

const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const zh = document.documentElement.lang.startsWith("zh");

// --- ages -------------------------------------------------------------------------------------------------------
function age(seconds) {
  const [n, en, cn] = seconds < 60 ? [seconds, "s", "秒"] : seconds < 3600 ? [seconds / 60, "min", "分钟"]
    : seconds < 86400 * 2 ? [seconds / 3600, "h", "小时"] : [seconds / 86400, "d", "天"];
  return zh ? `${Math.floor(n)} ${cn}前` : `${Math.floor(n)} ${en} ago`;
}

function left(seconds) {
  const d = Math.floor(seconds / 86400), h = Math.floor(seconds / 3600) % 24, m = Math.floor(seconds / 60) % 60;
  const parts = d ? [[d, zh ? "天" : "d"], [h, zh ? "小时" : "h"]] : [[h, zh ? "小时" : "h"], [m, zh ? "分" : "min"]];
  return parts.filter(([n]) => n).map(([n, unit]) => `${n} ${unit}`).join(" ") || (zh ? "不到 1 分" : "< 1 min");
}

function tellAges() {
  const now = Date.now();
  for (const time of $$("time[data-ago]")) time.textContent = age(Math.max(0, (now - Date.parse(time.dateTime)) / 1000));
  for (const time of $$("time[data-left]")) time.textContent = left(Math.max(0, (Date.parse(time.dateTime) - now) / 1000));
}
setInterval(tellAges, 1000);

// --- heat maps --------------------------------------------------------------------------------------------------
const tip = document.createElement("div");
tip.className = "tip";
tip.hidden = true;

function cellAt(target) {
  const cells = target.closest?.(".heat .cells");
  if (!cells || target === cells) return null;
  const heat = cells.closest("[data-seconds]"), seconds = +heat.dataset.seconds;
  const place = [...cells.children].indexOf(target);
  const start = Date.parse(cells.dataset.start) / 1000 + place * seconds;
  const [total, failed = "0"] = (cells.dataset.counts.split(" ")[place] || "0").split("/");
  return { heat, start, end: start + seconds, total, failed };
}

function clock(seconds, options) {
  const zone = document.body.dataset.zone;
  return new Intl.DateTimeFormat(document.documentElement.lang, { timeZone: zone, hourCycle: "h23", ...options }).format(new Date(seconds * 1000));
}

function showTip(event) {
  const cell = cellAt(event.target);
  tip.hidden = !cell;
  if (!cell) return;
  const words = cell.heat.dataset.words.replace("{1}", (+cell.total).toLocaleString("en")).replace("{2}", (+cell.failed).toLocaleString("en"));
  tip.textContent = `${clock(cell.start, { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" })}: ${words}`;
  document.body.append(tip);
  const box = tip.getBoundingClientRect();
  tip.style.left = `${Math.max(6, Math.min(event.clientX - box.width / 2, innerWidth - box.width - 6))}px`;
  tip.style.top = `${event.clientY - box.height - 14 < 0 ? event.clientY + 18 : event.clientY - box.height - 14}px`;
}

const iso = seconds => new Date(seconds * 1000).toISOString().replace(".000Z", "Z");
const go = (drill, start, end) => { location.href = `${drill}&start=${iso(start)}&end=${iso(end)}`; };

document.addEventListener("mousemove", showTip);
document.addEventListener("scroll", () => { tip.hidden = true; }, { passive: true, capture: true });
document.addEventListener("click", event => {
  const cell = cellAt(event.target);
  if (cell) go(cell.heat.dataset.drill, cell.start, cell.end);
});

// --- tables -----------------------------------------------------------------------------------------------------
const worth = cell => {
  const data = cell?.querySelector("data, time");
  if (data) return data.value === undefined ? Date.parse(data.dateTime) : +data.value;
  const text = (cell?.textContent || "").trim(), number = parseFloat(text.replace(/[$,>< ]/g, ""));
  return text === "–" || text === "" ? -Infinity : Number.isNaN(number) ? text.toLowerCase() : number;
};

// Figures begin with the largest, words with A.
const downNext = th => th.classList.contains("num") ? th.ariaSort !== "descending" : th.ariaSort === "ascending";

function sortBy(th, down = downNext(th)) {
  const table = th.closest("table"), place = th.cellIndex, body = table.tBodies[0];
  for (const other of $$("th[aria-sort]", table)) other.removeAttribute("aria-sort");
  th.setAttribute("aria-sort", down ? "descending" : "ascending");
  const compare = (a, b) => (typeof a === typeof b ? (a < b ? -1 : a > b ? 1 : 0) : typeof a === "number" ? -1 : 1);
  const rows = [...body.rows].map(row => [worth(row.cells[place]), row]).sort(([a], [b]) => compare(a, b) * (down ? -1 : 1));
  body.append(...rows.map(([, row]) => row));
}

function makeSortable(root = document) {
  for (const th of $$("table.sortable thead th", root)) {
    if (th.querySelector("button")) continue;
    const button = document.createElement("button");
    button.type = "button";
    button.append(...th.childNodes);
    th.append(button);
    button.addEventListener("click", () => sortBy(th));
  }
}

// A click into a row is one on its first link, which the heading of the column may narrow down.
document.addEventListener("click", event => {
  const cell = event.target.closest("tbody td:not(.wide-cell)"), link = cell?.parentElement.querySelector("a");
  if (!link || event.target.closest("a, button, summary, form, .heat, .cross") || String(getSelection())) return;
  const narrow = cell.closest("table").tHead?.rows[0].cells[cell.cellIndex]?.dataset.narrow;
  const address = narrow ? `${link.href}&${narrow}` : link.href;
  if (event.ctrlKey || event.metaKey) open(address); else location.href = address;
});

// --- the filter panel -------------------------------------------------------------------------------------------
document.addEventListener("click", async event => {
  const link = event.target.closest("a[data-filter-panel]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  event.stopPropagation();
  const reply = await fetch(link.href);
  if (!reply.ok) { location.href = link.href; return; }
  const form = new DOMParser().parseFromString(await reply.text(), "text/html").getElementById("filter-form");
  const dialog = document.createElement("dialog");
  dialog.className = "sheet";
  dialog.setAttribute("aria-label", form.querySelector("h2").textContent);
  dialog.append(form);
  form.querySelector(":checked")?.setAttribute("autofocus", "");
  document.body.append(dialog);
  dialog.addEventListener("close", () => { dialog.remove(); link.focus(); });
  dialog.addEventListener("click", click => { if (click.target === dialog) dialog.close(); });
  dialog.showModal();
}, true);

document.addEventListener("input", event => {
  const form = event.target.closest(".filter-form");
  if (form && event.target.type === "datetime-local") form.querySelector("[data-custom]").checked = true;
});

// What a form leaves empty does not belong into the address.
document.addEventListener("submit", event => {
  if (event.target.method !== "get") return;
  for (const field of event.target.elements) {
    if (field.name && !field.value) field.disabled = true;
    if (field.type === "datetime-local" && !event.target.querySelector("[data-custom]")?.checked) field.disabled = true;
  }
  setTimeout(() => { for (const field of event.target.elements) field.disabled = false; });
}, true);

// --- menus ------------------------------------------------------------------------------------------------------
const closeMenus = but => { for (const menu of $$("details.menu[open]")) if (!menu.contains(but)) menu.open = false; };
document.addEventListener("click", event => closeMenus(event.target));
document.addEventListener("keydown", event => {
  const menu = event.key === "Escape" && document.querySelector("details.menu[open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});

document.addEventListener("click", async event => {
  const button = event.target.closest("[data-copy]");
  if (button) await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
});

// --- live -------------------------------------------------------------------------------------------------------
const live = { paused: false, timer: 0, etag: "" };

// What the server sent of each part: the part itself changes with ages, sorting and what somebody opened.
const sent = new Map();
const remember = () => { for (const part of $$("[data-swap]")) sent.set(part.id, part.outerHTML); };

// Columns, rows and links come, go and change places: what goes by a name is found again by it.
const nameOf = one => one.href || (one.matches("th, th button, summary") ? one.textContent.trim() : "");

// What an element of the old part is in the new one: of the same name, with as many of that name before it.
function twinOf(one, selector, old, fresh) {
  const same = part => $$(selector, part).filter(other => nameOf(other) === nameOf(one));
  return same(fresh)[same(old).indexOf(one)];
}

function sortAlike(table, other) {
  const by = table.querySelector("th[aria-sort]"), th = by && twinOf(by, "thead th", table, other);
  if (th) sortBy(th, by.ariaSort === "descending");
}

// Everything somebody did with the old part is so in the new one: opened, sorted, scrolled, focused.
function takeOver(old, fresh) {
  makeSortable(fresh);
  for (const summary of $$("details > summary", old)) {
    const other = twinOf(summary, "details > summary", old, fresh);
    if (other) other.parentElement.open = summary.parentElement.open;
  }
  const tables = $$("table.sortable", fresh);
  $$("table.sortable", old).forEach((table, i) => tables[i] && sortAlike(table, tables[i]));
  const focused = document.activeElement;
  const twin = old.contains(focused) && twinOf(focused, focused.localName, old, fresh);
  const places = $$(".scroll", old).map(one => [one.scrollLeft, one.scrollTop]);
  old.replaceWith(fresh);
  $$(".scroll", fresh).forEach((one, i) => { [one.scrollLeft, one.scrollTop] = places[i] || [0, 0]; });
  if (twin) twin.focus({ preventScroll: true });
}

function replaceParts(page) {
  for (const old of $$("[data-swap]")) {
    const fresh = page.getElementById(old.id), html = fresh?.outerHTML;
    if (!fresh || html === sent.get(old.id) || old.querySelector("input:focus, select:focus")) continue;
    takeOver(old, fresh);
    sent.set(old.id, html);
  }
  tellAges();
  document.dispatchEvent(new CustomEvent("parts:replaced", { detail: page }));
}

async function poll() {
  const mark = document.getElementById("live");
  if (!mark || live.paused || document.hidden || document.querySelector("dialog[open]")) return;
  try {
    const address = location.href;
    const reply = await fetch(address, { headers: live.etag ? { "If-None-Match": live.etag } : {}, cache: "no-store" });
    if (reply.redirected) { location.reload(); return; }  // signed out meanwhile
    mark.classList.toggle("stale", reply.status >= 400);
    const html = reply.status === 200 && await reply.text();
    if (!html || address !== location.href) return;
    replaceParts(new DOMParser().parseFromString(html, "text/html"));
    live.etag = reply.headers.get("ETag") || "";  // what did not arrive is asked for again
  } catch { mark.classList.add("stale"); }
}

document.addEventListener("visibilitychange", poll);

function startLive() {
  clearInterval(live.timer);
  const mark = document.getElementById("live");
  live.etag = mark?.dataset.etag || "";
  if (!mark) return;
  const button = mark.querySelector("[data-live-toggle]");
  button.hidden = false;
  button.setAttribute("aria-pressed", String(!live.paused));
  live.timer = setInterval(poll, mark.dataset.livePoll * 1000);
}

document.addEventListener("click", event => {
  const button = event.target.closest("[data-live-toggle]");
  if (!button) return;
  live.paused = !live.paused;
  button.setAttribute("aria-pressed", String(!live.paused));
  if (!live.paused) poll();
});

function showCurrentPage() {
  const current = document.querySelector("nav [aria-current]"), nav = current?.parentElement;
  if (nav) nav.scrollLeft = current.offsetLeft - nav.offsetLeft - (nav.clientWidth - current.clientWidth) / 2;
}

function begin() {
  remember();
  tellAges();
  makeSortable();
  startLive();
  showCurrentPage();  // once everything beside it is there
  for (const button of $$("[data-copy]")) button.hidden = !navigator.clipboard;
}
document.addEventListener("DOMContentLoaded", begin);
document.addEventListener("htmx:afterSettle", begin);
