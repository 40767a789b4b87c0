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

// Costs are in the currency of the page.
const withSign = (data, figure) => data.measure === "cost" ? value => `${data.sign}${figure(value)}` : figure;

const secondsOf = text => Date.parse(text) / 1000;

function bucketLabel(text, step) {
  const hours = { hour: "2-digit", minute: "2-digit" };
  const days = { month: "short", day: "numeric" };
  return clock(secondsOf(text), step < DAY ? hours : days);
}

function bucketTitle(text, step) {
  const hours = { weekday: "short", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" };
  const days = { weekday: "short", year: "numeric", month: "short", day: "numeric" };
  return clock(secondsOf(text), step < DAY ? hours : days);
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

function datasets(data) {
  return data.layers.map((layer, i) => ({
    label: layer.label,
    data: layer.values,
    backgroundColor: colour(`s${layer.key === null ? 7 : i + 1}`),
    borderColor: colour("surface"),
    borderWidth: { top: data.buckets.length > 70 ? 0 : 1 },
    borderSkipped: false,
    stack: "one",
    categoryPercentage: 1,
    barPercentage: .86,
    maxBarThickness: 64
  }));
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
  const figure = withSign(data, exact);
  const sum = items => items.reduce((total, item) => total + item.raw, 0);
  return {
    labelColor: ({ dataset }) => ({ backgroundColor: dataset.backgroundColor, borderColor: dataset.backgroundColor }),
    labelPointStyle: () => ({ pointStyle: "rectRounded", rotation: 0 }),
    title: items => items[0] ? bucketTitle(data.buckets[items[0].dataIndex], data.step) : "",
    label: item => ` ${item.dataset.label}  ${figure(item.raw)}`,
    footer: items => items.length > 1 ? `Σ ${figure(sum(items))}` : ""
  };
}

function scales(data) {
  const text = colour("faint");
  const line = colour("line");
  return {
    x: {
      stacked: true,
      grid: { display: false },
      border: { color: line },
      ticks: { color: text, autoSkip: labelsAll(data), maxRotation: 0, autoSkipPadding: 14 }
    },
    y: {
      stacked: true,
      beginAtZero: true,
      grid: { color: line },
      border: { display: false },
      ticks: { color: text, maxTicksLimit: 5, callback: withSign(data, data.measure === "cost" ? rounded : compact) }
    }
  };
}

// A click on a layer of a bar opens its requests, one above a bar those of its lowest layer.
function openBar(data, chart, event, found) {
  const hit = chart.getElementsAtEventForMode(event, "nearest", { intersect: true }, false)[0] || found[0];
  if (!hit) return;
  const layer = data.layers[hit.datasetIndex];
  const start = secondsOf(data.buckets[hit.index]);
  const end = secondsOf(data.buckets[hit.index + 1] || data.end);
  const only = layer.key ? `&${data.by}=${encodeURIComponent(layer.key)}` : "";
  openRequests(`${data.drill}${only}`, start, end);
}

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
        filter: item => item.raw !== 0,
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
  chart.data.labels = tickLabels(data, chart.canvas.clientWidth);
  chart.data.datasets = datasets(data);
  chart.options = options(data);
  chart.resize();
  chart.update("none");
}

function drawFirst(canvas, data) {
  const labels = tickLabels(data, canvas.parentNode.clientWidth);
  return new Chart(canvas, { type: "bar", data: { labels, datasets: datasets(data) }, options: options(data) });
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
