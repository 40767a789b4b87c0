// Heat maps: the tooltip of a cell, and the requests behind it on a click; of an amber or red one those that failed.
"use strict";

const tip = document.createElement("div");
tip.className = "tip";
tip.hidden = true;

// The cell under the mouse: its heat map, its period in seconds since the epoch, and its counts as text.
function cellAt(target) {
  const cells = target.closest?.(".heat .cells");
  if (!cells || target === cells) return null;
  const heat = cells.closest("[data-seconds]");
  const seconds = Number(heat.dataset.seconds);
  const index = [...cells.children].indexOf(target);
  const start = Date.parse(cells.dataset.start) / 1000 + index * seconds;
  const [total, failed = "0"] = (cells.dataset.counts.split(" ")[index] || "0").split("/");
  return { heat, start, end: start + seconds, total, failed };
}

function tipText(cell) {
  const format = { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" };
  const [total, failed] = [cell.total, cell.failed].map(count => Number(count).toLocaleString("en"));
  const words = cell.heat.dataset.words.replace("{1}", total).replace("{2}", failed);
  return `${clock(cell.start, format)}: ${words}`;
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

document.addEventListener("mousemove", event => {
  const cell = cellAt(event.target);
  tip.hidden = !cell;
  if (!cell) return;
  tip.textContent = tipText(cell);
  document.body.append(tip);
  placeTip(event.clientX, event.clientY);
});

document.addEventListener("scroll", hideTip, { passive: true, capture: true });

document.addEventListener("click", event => {
  const cell = cellAt(event.target);
  const failed = event.target.matches(".cw, .cx") ? "&result=failed" : "";
  if (cell) openRequests(cell.heat.dataset.drill + failed, cell.start, cell.end);
});
