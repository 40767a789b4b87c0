// The popover of ranges: where it opens, and its calendar, in which two clicks choose the first and the last day.
"use strict";

const popover = () => document.getElementById("ranges");

// Days are texts such as 2026-11-28, reckoned in UTC: no clock change makes one longer.
const atUtc = day => new Date(`${day}T00:00Z`);

function daysAfter(day, days) {
  const at = atUtc(day);
  at.setUTCDate(at.getUTCDate() + days);
  return at.toISOString().slice(0, 10);
}

// The same day of another month, or its last one.
function monthsAfter(day, months) {
  const at = atUtc(`${day.slice(0, 7)}-01`);
  at.setUTCMonth(at.getUTCMonth() + months + 1, 0);
  return `${at.toISOString().slice(0, 8)}${String(Math.min(day.slice(8), at.getUTCDate())).padStart(2, "0")}`;
}

const dayInWords = (day, options) =>
  new Intl.DateTimeFormat(chinese ? "zh-CN" : "en-GB", { timeZone: "UTC", ...options }).format(atUtc(day));

const monday = day => daysAfter(day, -((atUtc(day).getUTCDay() + 6) % 7));

// --- the calendar ---------------------------------------------------------------------------------------------

function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function dayButton(day, focused, fields) {
  const [first, last] = [fields.first_day.value, fields.last_day.value || fields.first_day.value];
  const button = element("button", {
    type: "button",
    "data-day": day,
    tabindex: day === focused ? 0 : -1,
    "aria-label": dayInWords(day, { weekday: "long", day: "numeric", month: "long", year: "numeric" })
  }, String(Number(day.slice(8))));
  button.classList.toggle("other", day.slice(0, 7) !== focused.slice(0, 7));
  button.classList.toggle("edge", day === first || day === last);
  return element("td", { "aria-selected": first <= day && day <= last }, button);
}

function drawCalendar(calendar, focused) {
  const fields = calendar.closest("form").elements;
  const start = monday(`${focused.slice(0, 7)}-01`);
  const turn = (months, sign, label) =>
    element("button", { type: "button", "data-months": months, "aria-label": label }, sign);
  const week = [...Array(7).keys()].map(i => daysAfter(start, i));
  const named = (day, weekday) => dayInWords(day, { weekday });
  const heads = week.map(day => element("th", { scope: "col", abbr: named(day, "long") }, named(day, "narrow")));
  const rows = [...Array(6).keys()].map(row =>
    element("tr", {}, ...week.map(day => dayButton(daysAfter(day, 7 * row), focused, fields))));
  const month = dayInWords(focused, { month: "long", year: "numeric" });
  calendar.replaceChildren(
    element("div", {}, turn(-1, "‹", calendar.dataset.before), element("b", { "aria-live": "polite" }, month),
      turn(1, "›", calendar.dataset.after)),
    element("table", { role: "grid", "aria-label": month, "aria-multiselectable": true },
      element("thead", {}, element("tr", {}, ...heads)), element("tbody", {}, ...rows)));
  calendar.querySelector(`[data-day="${calendar.dataset.today}"]`)?.setAttribute("aria-current", "date");
}

function moveTo(calendar, day) {
  drawCalendar(calendar, day);
  calendar.querySelector(`[data-day="${day}"]`).focus();
}

// The first click begins a choice and leaves the hours of the present range; the second ends it, and shows the days
// unless other hours were given.
function pickDay(calendar, day) {
  const form = calendar.closest("form"),
    { first_day: first, last_day: last, since, until } = form.elements;
  const ends = first.value && !last.value;
  [first.value, last.value] = ends ? [first.value, day].sort() : [day, ""];
  for (const hour of [since, until])
    if (hour.value === hour.defaultValue) hour.value = "";
  moveTo(calendar, day);
  if (ends && !since.value && !until.value) form.requestSubmit();
}

document.addEventListener("click", event => {
  const button = event.target.closest?.(".calendar button");
  if (!button) return;
  const calendar = button.closest(".calendar");
  if (button.dataset.day) return pickDay(calendar, button.dataset.day);
  const months = Number(button.dataset.months);
  drawCalendar(calendar, monthsAfter(calendar.querySelector("[tabindex='0']").dataset.day, months));
  calendar.querySelector(`[data-months="${months}"]`).focus();
});

const DAY_STEPS = {
  ArrowLeft: day => daysAfter(day, -1),
  ArrowRight: day => daysAfter(day, 1),
  ArrowUp: day => daysAfter(day, -7),
  ArrowDown: day => daysAfter(day, 7),
  Home: monday,
  End: day => daysAfter(monday(day), 6),
  PageUp: day => monthsAfter(day, -1),
  PageDown: day => monthsAfter(day, 1)
};

document.addEventListener("keydown", event => {
  const button = event.target.closest?.(".calendar [data-day]");
  if (!button || !DAY_STEPS[event.key]) return;
  event.preventDefault();
  moveTo(button.closest(".calendar"), DAY_STEPS[event.key](button.dataset.day));
});

document.addEventListener("input", event => {
  const calendar = event.target.matches(".ranges [type=date]") && event.target.form.querySelector(".calendar");
  if (calendar) drawCalendar(calendar, event.target.value || calendar.dataset.today);
});

// --- the popover ----------------------------------------------------------------------------------------------

// Below its button, and within the window.
document.addEventListener("toggle", event => {
  const panel = event.target;
  if (panel !== popover() || event.newState !== "open") return;
  const button = document.getElementById("range").getBoundingClientRect();
  const left = Math.max(10, Math.min(button.left, innerWidth - panel.offsetWidth - 10));
  panel.style.left = `${left}px`;
  panel.style.top = `${button.bottom + 6}px`;
  (panel.querySelector("[aria-current=true]") || panel.querySelector("[data-day][tabindex='0']")).focus();
}, true);

document.addEventListener("beforetoggle", event => {
  const calendar = event.newState === "open" && event.target === popover() && event.target.querySelector(".calendar");
  if (!calendar) return;
  const { last_day: last } = calendar.closest("form").elements;
  drawCalendar(calendar, last.value && last.value < calendar.dataset.today ? last.value : calendar.dataset.today);
}, true);

// It closes before the page is replaced: the focus is on its button then, and stays there.
for (const leaving of ["click", "submit"]) {
  document.addEventListener(leaving, event => {
    if (leaving === "submit" || event.target.closest("a")) event.target.closest("#ranges")?.hidePopover();
  }, true);
}
