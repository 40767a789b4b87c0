// What every page does beyond HTML: ages that keep counting, menus, and the start of what the other scripts do.
// Without any of them every page still works.
"use strict";

const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const chinese = document.documentElement.lang.startsWith("zh");

// A moment in the zone of the server, in the words of the page: "28 Nov, 07:30".
function clock(seconds, options) {
  const format = new Intl.DateTimeFormat(chinese ? "zh-CN" : "en-GB", {
    timeZone: document.body.dataset.zone,
    hourCycle: "h23",
    ...options
  });
  return format.format(new Date(seconds * 1000)).replace("日周", "日 周");
}

const OF_DAY = { month: "short", day: "numeric" };
const OF_HOUR = { hour: "2-digit", minute: "2-digit" };

const iso = seconds => new Date(seconds * 1000).toISOString().replace(".000Z", "Z");

// An address with other values of the filters that `narrow` names: `&name=value`.
function narrowedTo(address, narrow) {
  const url = new URL(address, location.href);
  new URLSearchParams(narrow).forEach((value, name) => url.searchParams.set(name, value));
  return url.pathname + url.search;
}

// What begins before the period of `drill`, or ends after it, stands for its part in it. In a shared view there is
// nowhere to go to.
function openRequests(drill, narrow, start, end) {
  if (!drill?.startsWith("/")) return;
  const period = new URL(drill, location.href).searchParams;
  const edge = (name, other) => (period.has(name) ? Date.parse(period.get(name)) / 1000 : other);
  const [first, last] = [Math.max(start, edge("start", start)), Math.min(end, edge("end", end))];
  location.href = narrowedTo(drill, `${narrow}&start=${iso(first)}&end=${iso(last)}`);
}

// --- ages -----------------------------------------------------------------------------------------------------

const AGE_UNITS = [
  { below: 60, seconds: 1, en: "s", zh: "秒" },
  { below: 3600, seconds: 60, en: "min", zh: "分钟" },
  { below: 86400 * 2, seconds: 3600, en: "h", zh: "小时" },
  { below: Infinity, seconds: 86400, en: "d", zh: "天" }
];

function age(seconds) {
  const unit = AGE_UNITS.find(unit => seconds < unit.below);
  const number = Math.floor(seconds / unit.seconds);
  return chinese ? `${number} ${unit.zh}前` : `${number} ${unit.en} ago`;
}

function timeLeft(seconds) {
  const units = [
    { number: Math.floor(seconds / 86400), name: chinese ? "天" : "d" },
    { number: Math.floor(seconds / 3600) % 24, name: chinese ? "小时" : "h" },
    { number: Math.floor(seconds / 60) % 60, name: chinese ? "分钟" : "min" }
  ];
  const shown = units[0].number ? units.slice(0, 2) : units.slice(1);
  const text = shown.filter(unit => unit.number).map(unit => `${unit.number} ${unit.name}`).join(" ");
  return text || (chinese ? "不到 1 分钟" : "< 1 min");
}

function showAges() {
  const now = Date.now();
  for (const time of $$("time[data-ago]")) {
    time.textContent = age(Math.max(0, (now - Date.parse(time.dateTime)) / 1000));
  }
  for (const time of $$("time[data-left]")) {
    time.textContent = timeLeft(Math.max(0, (Date.parse(time.dateTime) - now) / 1000));
  }
}

setInterval(showAges, 1000);

// --- menus and buttons ------------------------------------------------------------------------------------------

document.addEventListener("click", event => {
  for (const menu of $$("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

document.addEventListener("click", event => {
  if (event.target.closest("[data-print]")) {
    print();
  }
});

document.addEventListener("keydown", event => {
  const menu = event.key === "Escape" && document.querySelector("details.menu[open]");
  if (event.key === "Escape" && !menu) document.querySelector(".drawer .close")?.click();
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});

document.addEventListener("click", event => {
  const button = event.target.closest("[data-tick]");
  if (!button) return;
  for (const box of $$("[type=checkbox]", button.closest("fieldset"))) box.checked = Boolean(button.dataset.tick);
});

// Without a safe context there is no clipboard, but the selection can be copied all the same.
async function copy(source) {
  if (navigator.clipboard) return navigator.clipboard.writeText(source.textContent);
  getSelection().selectAllChildren(source);
  document.execCommand("copy");
}

document.addEventListener("click", async event => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  await copy(document.getElementById(button.dataset.copy));
  const words = button.textContent;
  button.textContent = "✓";
  setTimeout(() => button.textContent = words, 1200);
});

// --- upload -----------------------------------------------------------------------------------------------------

const PIECE_BYTES = 4 * 1024 * 1024; // the server takes no larger requests than 10 MB

async function upload(form, file) {
  const bar = form.querySelector("progress"),
    said = form.querySelector("output"),
    button = form.querySelector("button");
  let job = "",
    offset = 0;
  const show = (text, going) => {
    said.textContent = text;
    said.className = going ? "" : "bad";
    button.disabled = going;
    bar.hidden = !going;
  };
  show("", true);
  do { // an empty file too: the server says what is wrong with it
    const piece = new FormData(form);
    piece.set("file", file.slice(offset, offset + PIECE_BYTES), file.name);
    for (const [name, value] of Object.entries({ job, offset, size: file.size })) piece.set(name, value);
    const reply = await fetch(form.action, { method: "POST", body: piece }).catch(() => null);
    if (!reply) return show(sentences().away, false);
    if (reply.redirected) return show(sentences().ended, false); // to the login, which is no refusal
    job = await reply.text();
    if (!reply.ok) return show(job, false);
    offset += PIECE_BYTES;
    bar.value = Math.min(offset / file.size, 1);
    show(`${Math.floor(bar.value * 100)}%`, true);
  } while (offset < file.size);
  location.href = form.dataset.upload;
}

document.addEventListener("submit", event => {
  const form = event.target.closest("form[data-upload]");
  if (!form?.file.files[0]) return;
  event.preventDefault();
  upload(form, form.file.files[0]);
});

// --- start ------------------------------------------------------------------------------------------------------

function begin() {
  rememberParts(); // first: what follows changes them
  showAges();
  makeSortable();
  sortAsNamed();
  startLive();
  for (const button of $$("[data-copy]")) button.hidden = false;
}

document.addEventListener("DOMContentLoaded", begin);
document.addEventListener("htmx:afterSettle", begin);
