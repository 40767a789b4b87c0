// Draws <canvas data-chart="id of a JSON script">; Chart.js itself is fetched when the first chart is there.
"use strict";

const charts = new Map();

function library(address) {
  if (window.Chart) return Promise.resolve();
  library.waiting ||= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    Object.assign(script, { src: address, onload: resolve, onerror: reject });
    document.head.append(script);
  });
  return library.waiting;
}

// Colours are those of the stylesheet, whatever the theme: a swatch of the legend wears each.
const colour = name => {
  const probe = document.createElement("i");
  probe.className = `probe ${name}`;
  document.body.append(probe);
  const found = getComputedStyle(probe).backgroundColor;
  probe.remove();
  return found;
};

const units = [[1e12, "T"], [1e9, "B"], [1e6, "M"], [1e3, "k"]];
function compact(value) {
  const [size, unit] = units.find(([size]) => Math.abs(value) >= size) || [1, ""];
  return `${+(value / size).toPrecision(3)}${unit ? ` ${unit}` : ""}`;
}
const dollars = value => `$${value >= 1000 ? compact(value) : value >= 1 || value === 0 ? +value.toFixed(2) : +value.toPrecision(2)}`;
const exact = value => value.toLocaleString("en", { maximumFractionDigits: 6 });

function when(text, step) {
  const seconds = Date.parse(text) / 1000;
  if (step < 86400) return clock(seconds, { hour: "2-digit", minute: "2-digit" });
  return clock(seconds, { month: "short", day: "numeric" });
}
const whenExactly = (text, step) => clock(Date.parse(text) / 1000, step < 86400
  ? { weekday: "short", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" }
  : { weekday: "short", year: "numeric", month: "short", day: "numeric" });

function tickLabels(data, width) {
  if (data.step >= 86400 || data.step <= 3600) return data.buckets.map(text => when(text, data.step));
  let last = "";
  return data.buckets.map(text => {
    const day = clock(Date.parse(text) / 1000, width < 560 ? { day: "numeric" } : { weekday: "short", day: "numeric" });
    const label = day === last ? "" : day;
    last = day;
    return label;
  });
}

function datasets(data) {
  return data.layers.map((layer, i) => ({
    label: layer.label, data: layer.values, backgroundColor: colour(`s${layer.key === null ? 7 : i + 1}`),
    borderColor: colour("surface"), borderWidth: { top: data.buckets.length > 70 ? 0 : 1 }, borderSkipped: false, stack: "one",
    categoryPercentage: 1, barPercentage: .86, maxBarThickness: 64,
  }));
}

// As the tooltips of heat maps: the page's text and ground, exchanged.
function tooltipLook() {
  const ground = colour("ground"), own = item => ({ backgroundColor: item.dataset.backgroundColor, borderColor: item.dataset.backgroundColor });
  return {
    backgroundColor: colour("ink"), titleColor: ground, bodyColor: ground, footerColor: ground, usePointStyle: true,
    cornerRadius: 7, caretSize: 0, caretPadding: 12, padding: { x: 11, y: 9 }, boxPadding: 5, boxWidth: 9, boxHeight: 9, bodySpacing: 3, own,
  };
}

function options(data) {
  const { own, ...look } = tooltipLook(), text = colour("faint"), line = colour("line"), figure = data.measure === "cost" ? dollars : compact;
  const whole = data.measure === "cost" ? value => `$${exact(value)}` : exact;
  return {
    animation: false, responsive: true, maintainAspectRatio: false,
    interaction: { mode: "index", intersect: false },
    plugins: {
      legend: { display: false },
      tooltip: {
        ...look,
        itemSort: (a, b) => b.datasetIndex - a.datasetIndex, filter: item => item.raw !== 0,
        callbacks: {
          labelColor: own, labelPointStyle: () => ({ pointStyle: "rectRounded", rotation: 0 }),
          title: items => items[0] ? whenExactly(data.buckets[items[0].dataIndex], data.step) : "",
          label: item => ` ${item.dataset.label}  ${whole(item.raw)}`,
          footer: items => items.length > 1 ? `Σ ${whole(items.reduce((sum, item) => sum + item.raw, 0))}` : "",
        },
      },
    },
    scales: {
      x: { stacked: true, grid: { display: false }, border: { color: line }, ticks: { color: text, autoSkip: data.step >= 86400 || data.step <= 3600, maxRotation: 0, autoSkipPadding: 14 } },
      y: { stacked: true, beginAtZero: true, grid: { color: line }, border: { display: false }, ticks: { color: text, maxTicksLimit: 5, callback: figure } },
    },
    onHover: (event, found) => { event.native.target.style.cursor = found.length ? "pointer" : ""; },
    onClick: (event, found, chart) => {
      const hit = chart.getElementsAtEventForMode(event, "nearest", { intersect: true }, false)[0] || found[0];
      if (!hit) return;
      const layer = data.layers[hit.datasetIndex], start = Date.parse(data.buckets[hit.index]) / 1000;
      const end = Date.parse(data.buckets[hit.index + 1] || data.end) / 1000;
      const only = data.param && layer.key ? `&${data.param}=${encodeURIComponent(layer.key)}` : "";
      go(`${data.drill}${only}`, start, end);
    },
  };
}

async function draw(canvas) {
  const data = JSON.parse(document.getElementById(canvas.dataset.chart).textContent);
  await library(canvas.dataset.library);
  if (!canvas.isConnected) return;
  const font = getComputedStyle(document.documentElement);
  Object.assign(Chart.defaults.font, { family: font.fontFamily, size: .85 * parseFloat(font.fontSize) });
  const made = charts.get(canvas);
  if (made) {
    made.data.labels = tickLabels(data, canvas.clientWidth);
    made.data.datasets = datasets(data);
    made.options = options(data);
    made.resize();
    made.update("none");
  } else {
    charts.set(canvas, new Chart(canvas, { type: "bar", data: { labels: tickLabels(data, canvas.parentNode.clientWidth), datasets: datasets(data) }, options: options(data) }));
  }
}

function drawAll() {
  for (const [canvas, chart] of charts) if (!canvas.isConnected) { chart.destroy(); charts.delete(canvas); }
  for (const canvas of document.querySelectorAll("canvas[data-chart]")) draw(canvas);
}

document.addEventListener("DOMContentLoaded", drawAll);
document.addEventListener("htmx:afterSettle", drawAll);
document.addEventListener("parts:replaced", drawAll);
for (const change of ["(prefers-color-scheme: dark)", "print"]) matchMedia(change).addEventListener("change", drawAll);
