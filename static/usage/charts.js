// Draws <canvas data-chart="id of a JSON script">; Chart.js itself is fetched when the first chart is there.
"use strict";

const charts = new Map();
const DAY = 86400;

function library(address) {
  if (window.Chart) return Promise.resolve();
  library.loading ||= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    Object.assign(script, { src: address, onload: resolve, onerror: reject });
    document.head.append(script);
  });
  return library.loading;
}

// The colours are those of the stylesheet in the chosen theme, read from an element with the class.
function colour(name) {
  const probe = document.createElement("i");
  probe.className = `probe ${name}`;
  document.body.append(probe);
  const found = getComputedStyle(probe).backgroundColor;
  probe.remove();
  return found;
}

// --- figures and moments --------------------------------------------------------------------------------------

const UNITS = [
  { size: 1e12, name: "T" },
  { size: 1e9, name: "B" },
  { size: 1e6, name: "M" },
  { size: 1e3, name: "k" }
];

function compact(value) {
  const unit = UNITS.find(unit => Math.abs(value) >= unit.size);
  const figure = Number((value / (unit ? unit.size : 1)).toPrecision(3));
  return unit ? `${figure}${unit.name}` : `${figure}`;
}

function rounded(value) {
  if (value >= 1000) return compact(value);
  return Number(value >= 1 || value === 0 ? value.toFixed(2) : value.toPrecision(2));
}

const exact = value => value.toLocaleString("en", { maximumFractionDigits: 6 });

const threeDigits = value => Number(value.toPrecision(3)).toLocaleString("en");
const percent = value => `${threeDigits(value * 100)}%`;
const duration = ms => ms < 1000 ? `${Math.round(ms)} ms` : `${threeDigits(ms / 1000)} s`;

// How figures of a measure are written out, and on the axis. Costs are in the currency of the page; percentiles are
// read from histograms.
function figures(data) {
  const money = figure => value => `${data.sign}${figure(value)}`;
  const own = {
    cost: [money(exact), money(rounded)],
    failure_rate: [percent, percent],
    latency: [value => `≈ ${duration(value)}`, duration]
  };
  return own[data.measure] || [exact, compact];
}

const isAmount = data => !["failure_rate", "latency"].includes(data.measure);

const secondsOf = text => Date.parse(text) / 1000;

const bucketLabel = (text, step) => clock(secondsOf(text), step < DAY ? OF_HOUR : OF_DAY);

function bucketTitle(text, step) {
  return clock(secondsOf(text), { weekday: "short", ...OF_DAY, ...(step < DAY ? OF_HOUR : { year: "numeric" }) });
}

// Whether each bucket has a label of its own; else only the first of a day has one.
const labelsAll = data => data.step >= DAY || data.step <= 3600;

function tickLabels(data, width) {
  if (labelsAll(data)) return data.buckets.map(text => bucketLabel(text, data.step));
  const format = width < 560 ? { day: "numeric" } : { weekday: "short", day: "numeric" };
  const days = data.buckets.map(text => clock(secondsOf(text), format));
  return days.map((day, i) => day === days[i - 1] ? "" : day);
}

// --- what Chart.js is given -----------------------------------------------------------------------------------

function barsOf(data, layer) {
  return {
    label: layer.label,
    data: layer.values,
    backgroundColor: colour(`s${layer.colour}`),
    borderColor: colour("surface"),
    borderWidth: { top: data.buckets.length > 70 ? 0 : 1 },
    borderSkipped: false,
    stack: "one",
    categoryPercentage: 1,
    barPercentage: .86,
    maxBarThickness: 64
  };
}

function lineOf(layer, name, more) {
  const ink = colour(name);
  const look = { borderColor: ink, backgroundColor: ink, borderWidth: 2, pointRadius: 0, pointHitRadius: 8 };
  return { type: "line", label: layer.label, data: layer.values, stack: layer.label, ...look, ...more };
}

function datasets(data) {
  const isLines = data.measure === "latency";
  const layers = data.layers.map(layer => isLines ? lineOf(layer, `s${layer.colour}`) : barsOf(data, layer));
  const thin = { borderWidth: 1.25, borderDash: [4, 3], order: -1 };
  return data.earlier ? [...layers, lineOf(data.earlier, "ink", thin)] : layers;
}

// As the tooltips of heat maps: the page's text and background, exchanged.
function tooltipLook() {
  const background = colour("ground");
  return {
    backgroundColor: colour("ink"),
    titleColor: background,
    bodyColor: background,
    footerColor: background,
    usePointStyle: true,
    cornerRadius: 7,
    caretSize: 0,
    caretPadding: 12,
    padding: { x: 11, y: 9 },
    boxPadding: 5,
    boxWidth: 9,
    boxHeight: 9,
    bodySpacing: 3
  };
}

function tooltipCallbacks(data) {
  const [figure] = figures(data);
  const isLayer = item => item.datasetIndex < data.layers.length;
  return {
    labelColor: item => {
      const own = isLayer(item) ? item.dataset.backgroundColor : colour("ground");
      return { backgroundColor: own, borderColor: own };
    },
    labelPointStyle: () => ({ pointStyle: "rectRounded", rotation: 0 }),
    title: items => items[0] ? bucketTitle(data.buckets[items[0].dataIndex], data.step) : "",
    label: item => ` ${item.dataset.label}  ${figure(item.raw)}`,
    footer: items => {
      const amounts = items.filter(isLayer).map(item => item.raw);
      return isAmount(data) && amounts.length > 1 ? `Σ ${figure(amounts.reduce((sum, amount) => sum + amount))}` : "";
    }
  };
}

function scales(data) {
  const text = colour("faint");
  const line = colour("line");
  return {
    x: {
      stacked: true,
      offset: true,
      grid: { display: false },
      border: { color: line },
      ticks: { color: text, autoSkip: labelsAll(data), maxRotation: 0, autoSkipPadding: 14 }
    },
    y: {
      stacked: isAmount(data),
      beginAtZero: true,
      grid: { color: line },
      border: { display: false },
      ticks: { color: text, maxTicksLimit: 5, callback: figures(data)[1] }
    }
  };
}

// --- choosing bars: by dragging, or with the keys ------------------------------------------------------------------

// `chart.chosen` are the first and the last chosen bar, as they were chosen: the last may come first.
const band = {
  id: "band",
  beforeDatasetsDraw(chart) {
    if (!chart.chosen) return;
    const { left, top, width, height } = chart.chartArea;
    const [first, last] = inOrder(chart.chosen);
    const bar = width / chart.usage.buckets.length;
    chart.ctx.fillStyle = colour("chosen");
    chart.ctx.fillRect(left + first * bar, top, (last - first + 1) * bar, height);
  }
};

const inOrder = ([from, to]) => from < to ? [from, to] : [to, from];
const startOf = (data, place) => secondsOf(data.buckets[place] || data.end);

function barAt(chart, x) {
  const { left, width } = chart.chartArea;
  const count = chart.usage.buckets.length;
  return Math.max(0, Math.min(count - 1, Math.floor((x - left) / width * count)));
}

// The bar and its figures, or the bars, in words.
function spoken(chart) {
  const data = chart.usage;
  const [first, last] = inOrder(chart.chosen);
  const title = bucketTitle(data.buckets[first], data.step);
  const end = data.step < DAY ? data.buckets[last + 1] || data.end : data.buckets[last];
  if (first !== last) return `${title} – ${bucketTitle(end, data.step)}`;
  const [figure] = figures(data);
  const known = chart.data.datasets.filter(set => set.data[first]);
  return `${title}: ${known.map(set => `${set.label} ${figure(set.data[first])}`).join(", ") || figure(0)}`;
}

function choose(chart, chosen) {
  chart.chosen = chosen;
  const isOne = chosen && chosen[0] === chosen[1];
  const shown = isOne ? chart.data.datasets.map((_, datasetIndex) => ({ datasetIndex, index: chosen[1] })) : [];
  chart.tooltip.setActiveElements(shown, { x: 0, y: 0 });
  chart.update("none");
  const hint = document.querySelector(".legend .hint");
  if (hint) {
    hint.dataset.words ||= hint.textContent;
    hint.textContent = chosen && !isOne ? spoken(chart) : hint.dataset.words;
  }
  if (!chosen) return;
  chart.canvas.setAttribute("aria-valuenow", chosen[1] + 1);
  chart.canvas.setAttribute("aria-valuetext", spoken(chart));
}

function zoom(chart) {
  const [first, last] = inOrder(chart.chosen);
  const address = new URL(location);
  for (const name of ["range", "page", "before"]) address.searchParams.delete(name);
  address.searchParams.set("start", iso(startOf(chart.usage, first)));
  address.searchParams.set("end", iso(startOf(chart.usage, last + 1)));
  location.href = address;
}

function openRequestsOf(data, place, layer) {
  openRequests(data.drill, layer ? layer.narrow : "", startOf(data, place), startOf(data, place + 1));
}

// A click on a layer of a bar opens its requests, one above a bar those of the lowest layer it has.
function openBar(data, chart, event, found) {
  const [touched] = chart.getElementsAtEventForMode(event, "nearest", { intersect: true }, false);
  const lowest = found.find(({ datasetIndex, index }) => data.layers[datasetIndex]?.values[index]);
  const hit = touched || lowest || found[0];
  if (hit && !chart.dragged) openRequestsOf(data, hit.index, data.layers[hit.datasetIndex]);
}

const drag = { chart: null, x: 0 };

document.addEventListener("pointerdown", event => {
  const chart = charts.get(event.target);
  if (!chart || event.button) return;
  Object.assign(drag, { chart, x: event.clientX });
  chart.dragged = false;
});

document.addEventListener("pointermove", event => {
  const { chart } = drag;
  if (!chart || (!chart.dragged && Math.abs(event.clientX - drag.x) < 6)) return;
  chart.dragged = true; // what is released now is no click
  const { left } = chart.canvas.getBoundingClientRect();
  choose(chart, [barAt(chart, drag.x - left), barAt(chart, event.clientX - left)]);
});

document.addEventListener("pointerup", () => {
  const { chart } = drag;
  drag.chart = null;
  if (chart?.dragged && chart.chosen) zoom(chart);
});

document.addEventListener("pointercancel", () => stopChoosing(drag.chart));

function stopChoosing(chart) {
  drag.chart = null;
  if (chart?.chosen) choose(chart, null);
}

const BAR_STEPS = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };

document.addEventListener("keydown", event => {
  if (event.key === "Escape" && drag.chart) return stopChoosing(drag.chart);
  const chart = charts.get(event.target);
  if (!chart) return;
  const chosen = chart.chosen || [-1, -1];
  if (event.key in BAR_STEPS) {
    const last = chart.usage.buckets.length - 1;
    const to = Math.max(0, Math.min(last, chosen[1] + BAR_STEPS[event.key]));
    choose(chart, [event.shiftKey && chart.chosen ? chosen[0] : to, to]);
  } else if (event.key === "Enter" && chart.chosen) {
    if (chosen[0] !== chosen[1]) zoom(chart);
    else openRequestsOf(chart.usage, chosen[1], isAmount(chart.usage) ? null : chart.usage.layers[0]);
  } else if (event.key === "Escape") {
    stopChoosing(chart);
  } else {
    return;
  }
  event.preventDefault();
});

document.addEventListener("focusout", event => stopChoosing(charts.get(event.target)));

function options(data) {
  return {
    animation: false,
    responsive: true,
    maintainAspectRatio: false,
    interaction: { mode: "index", intersect: false },
    plugins: {
      legend: { display: false },
      tooltip: {
        ...tooltipLook(),
        itemSort: (a, b) => b.datasetIndex - a.datasetIndex,
        filter: item => Boolean(item.raw) && !drag.chart?.dragged,
        callbacks: tooltipCallbacks(data)
      }
    },
    scales: scales(data),
    onHover: (event, found) => {
      event.native.target.style.cursor = found.length ? "pointer" : "";
    },
    onClick: (event, found, chart) => openBar(data, chart, event, found)
  };
}

// --- drawing --------------------------------------------------------------------------------------------------

function redraw(chart, data) {
  chart.usage = data;
  chart.data.labels = tickLabels(data, chart.canvas.clientWidth);
  chart.data.datasets = datasets(data);
  chart.options = options(data);
  chart.resize();
  chart.update("none");
}

function drawFirst(canvas, data) {
  const labels = tickLabels(data, canvas.parentNode.clientWidth);
  const drawn = { labels, datasets: datasets(data) };
  const chart = new Chart(canvas, { type: "bar", data: drawn, options: options(data), plugins: [band] });
  chart.usage = data;
  return chart;
}

async function draw(canvas) {
  const data = JSON.parse(document.getElementById(canvas.dataset.chart).textContent);
  await library(canvas.dataset.library);
  if (!canvas.isConnected) return;
  const font = getComputedStyle(document.documentElement);
  Object.assign(Chart.defaults.font, { family: font.fontFamily, size: .85 * parseFloat(font.fontSize) });
  if (charts.has(canvas)) {
    redraw(charts.get(canvas), data);
  } else {
    charts.set(canvas, drawFirst(canvas, data));
  }
}

function drawAll() {
  for (const [canvas, chart] of charts) {
    if (canvas.isConnected) continue;
    chart.destroy();
    charts.delete(canvas);
  }
  for (const canvas of $$("canvas[data-chart]")) draw(canvas);
}

document.addEventListener("DOMContentLoaded", drawAll);
document.addEventListener("htmx:afterSettle", drawAll);
document.addEventListener("parts:replaced", drawAll);
for (const change of ["(prefers-color-scheme: dark)", "print"]) matchMedia(change).addEventListener("change", drawAll);
