// Tables: sorted by a click on a heading, where rows `under` another stay there; a click into a row follows its first
// link.
"use strict";

// What a cell is sorted by: its exact figure or moment where the markup has one, else its text.
function sortValue(cell) {
  const data = cell?.querySelector("data, time");
  if (data) return data.value === undefined ? Date.parse(data.dateTime) : Number(data.value);
  const text = (cell?.textContent || "").trim();
  if (text === "–" || text === "") return -Infinity;
  const number = parseFloat(text.replace(/[$,>< ]/g, ""));
  return Number.isNaN(number) ? text.toLowerCase() : number;
}

// Numbers come before words.
function compare(a, b) {
  if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

// The first click puts the largest figure on top, of words the first in the alphabet.
function isNextDescending(heading) {
  return heading.classList.contains("num") ? heading.ariaSort !== "descending" : heading.ariaSort === "ascending";
}

function sortBy(heading, descending = isNextDescending(heading)) {
  const table = heading.closest("table");
  const body = table.tBodies[0];
  for (const other of $$("th[aria-sort]", table)) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", descending ? "descending" : "ascending");
  const sign = descending ? -1 : 1;
  const groups = [];
  for (const row of body.rows) {
    if (row.matches(".under")) {
      groups.at(-1)[1].push(row);
    } else {
      groups.push([sortValue(row.cells[heading.cellIndex]), [row]]);
    }
  }
  groups.sort(([a], [b]) => compare(a, b) * sign);
  body.append(...groups.flatMap(([, rows]) => rows));
}

function makeSortable(root = document) {
  for (const heading of $$("table.sortable thead th", root)) {
    if (heading.querySelector("button")) continue;
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => {
      sortBy(heading);
      nameOrder(heading);
    });
  }
}

// The address names what was sorted last: the panel of the table, the column, and "-" for the largest first.
const panelOf = table => table.closest("[aria-labelledby]")?.getAttribute("aria-labelledby") || "page";

function nameOrder(heading) {
  const address = new URL(location.href);
  const column = `${heading.ariaSort === "descending" ? "-" : ""}${heading.cellIndex}`;
  address.searchParams.set("order", `${panelOf(heading.closest("table"))}.${column}`);
  history.replaceState(history.state, "", address);
}

function sortAsNamed() {
  const order = new URLSearchParams(location.search).get("order") || document.getElementById("main")?.dataset.order;
  const [, panel, sign, column] = /^([\w-]+)\.(-?)(\d+)$/.exec(order || "") || [];
  const table = $$("table.sortable").find(table => panelOf(table) === panel);
  const heading = table?.tHead?.rows[0].cells[column];
  if (heading) sortBy(heading, Boolean(sign));
}

// The address of the row's first link; the heading of the column may narrow it down.
function addressOf(cell, link) {
  const narrow = cell.closest("table").tHead?.rows[0].cells[cell.cellIndex]?.dataset.narrow;
  return narrow ? narrowedTo(link.href, narrow) : link.href;
}

let isClosing = false; // a click outside of an open menu or popover closes it, and opens nothing

document.addEventListener("pointerdown", event => {
  isClosing = $$("details.menu[open], :popover-open").some(open => !open.contains(event.target));
}, true);

function openRow(event) {
  const cell = event.target.closest("tbody td:not(.wide-cell)");
  const link = cell?.parentElement.querySelector("a[href]");
  const handled = event.target.closest("a, button, summary, .said [open], form, .heat, .cross");
  if (!link || handled || isClosing || String(getSelection())) return;
  if (event.ctrlKey || event.metaKey || event.button === 1) {
    open(addressOf(cell, link));
  } else if (link.hasAttribute("hx-target")) {
    link.click(); // opens next to the table
  } else if (event.button === 0) {
    location.href = addressOf(cell, link);
  }
}

document.addEventListener("click", openRow);
document.addEventListener("auxclick", openRow); // the middle button
