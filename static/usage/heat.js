// Heat maps: the tooltip of a cell, and the requests behind it on a click; of an amber or red one those that failed.
"use strict";

const tip = document.createElement("div");
tip.className = "tip";
tip.hidden = true;

// The cell under the mouse: its heat map, its period in seconds since the epoch, and its counts as text. One before the
// first record, outside of the page's period or still to come counts nothing.
function cellAt(target) {
  const cells = target.closest?.(".heat .cells");
  if (!cells || target === cells) return null;
  const heat = cells.closest("[data-seconds]");
  const seconds = Number(heat.dataset.seconds);
  const index = [...cells.children].indexOf(target);
  const start = Date.parse(cells.dataset.start) / 1000 + index * seconds;
  const [total, failed = "0"] = (cells.dataset.counts.split(" ")[index] || "0").split("/");
  return { heat, start, end: start + seconds, total, failed, counts: !target.matches(".cn") };
}

function tipText(cell) {
  const start = clock(cell.start, { ...OF_DAY, ...OF_HOUR });
  const [total, failed] = [cell.total, cell.failed].map(count => Number(count).toLocaleString("en"));
  const words = cell.counts ? cell.heat.dataset.words.replace("{1}", total).replace("{2}", failed) : "–";
  return `${start}–${clock(cell.end, OF_HOUR)}: ${words}`;
}

// Over the mouse where there is room, else below it; never beyond the edges of the window.
function placeTip(x, y) {
  const box = tip.getBoundingClientRect();
  const above = y - box.height - 14;
  tip.style.left = `${Math.max(6, Math.min(x - box.width / 2, innerWidth - box.width - 6))}px`;
  tip.style.top = `${above < 0 ? y + 18 : above}px`;
}

function hideTip() {
  tip.hidden = true;
}

function showTip(cell, x, y) {
  tip.hidden = !cell;
  if (!cell) return;
  tip.textContent = tipText(cell);
  document.body.append(tip);
  placeTip(x, y);
}

document.addEventListener("mousemove", event => showTip(cellAt(event.target), event.clientX, event.clientY));

document.addEventListener("scroll", hideTip, { passive: true, capture: true });

document.addEventListener("click", event => {
  const cell = cellAt(event.target);
  const failed = event.target.matches(".cw, .cx") ? "&result=failed" : "";
  if (cell?.counts) openRequests(cell.heat.dataset.drill, failed, cell.start, cell.end);
});

// --- by keyboard ------------------------------------------------------------------------------------------------

// A row is a slider over its cells: arrows move, Enter is a click. Of a map's rows one is reached with Tab.
function makeReachable() {
  for (const heat of $$(".heat[data-seconds]")) {
    const rows = $$(".cells", heat);
    for (const row of rows) {
      row.removeAttribute("aria-hidden");
      const label = row.previousElementSibling?.textContent.trim() || heat.closest("[aria-label]")?.ariaLabel || "";
      const slider = { role: "slider", "aria-label": label, "aria-valuemin": 1, "aria-valuemax": row.children.length };
      for (const [name, value] of Object.entries(slider)) row.setAttribute(name, value);
      row.setAttribute("aria-valuenow", row.ariaValueNow || 1);
      row.tabIndex = row === rows.at(-1) ? 0 : -1;
    }
  }
}

function goTo(row, place) {
  for (const other of $$(".cells", row.closest(".heat"))) {
    other.tabIndex = other === row ? 0 : -1;
    for (const cell of $$(".at", other)) cell.classList.remove("at");
  }
  const target = row.children[Math.max(0, Math.min(row.children.length - 1, place))];
  target.classList.add("at");
  const cell = cellAt(target);
  row.setAttribute("aria-valuenow", [...row.children].indexOf(target) + 1);
  row.setAttribute("aria-valuetext", tipText(cell));
  row.focus({ focusVisible: true });
  const box = target.getBoundingClientRect();
  showTip(cell, box.x + box.width / 2, box.y);
}

const CELL_STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

document.addEventListener("keydown", event => {
  const row = event.target;
  if (!row.matches?.(".heat [role=slider]")) return;
  const place = row.ariaValueNow - 1;
  const step = CELL_STEPS[event.key];
  const rows = $$(".cells", row.closest(".heat"));
  if (step) goTo(rows[rows.indexOf(row) + step[1]] || row, place + (row.querySelector(".at") ? step[0] : 0));
  else if (event.key === "Home") goTo(row, 0);
  else if (event.key === "End") goTo(row, Infinity);
  else if (event.key === "Enter") row.children[place].click();
  else return;
  event.preventDefault();
});

document.addEventListener("focusout", event => {
  if (!event.target.matches?.(".heat [role=slider]")) return;
  for (const cell of $$(".at", event.target)) cell.classList.remove("at");
  hideTip();
});

for (const change of ["DOMContentLoaded", "htmx:afterSettle", "parts:replaced"]) {
  document.addEventListener(change, makeReachable);
}
