// Panels, opened over the page: filters, whose lists can be searched, and views. Addresses without empty fields.
"use strict";

function showPanel(panel, opener) {
  for (const unused of $$("[data-close], [data-search]", panel)) unused.hidden = false; // without a script
  // On a phone a keyboard would cover the lists.
  if (matchMedia("(pointer: fine)").matches) panel.querySelector("[data-search]")?.setAttribute("autofocus", "");
  showOver(panel, opener, ["aria-label", panel.querySelector("h2").textContent]);
}

function openPanel(event) {
  const link = event.target.closest("a[data-filter-panel]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  event.stopPropagation();
  const address = new URL(link.href);
  const order = new URLSearchParams(location.search).get("order");
  if (order) address.searchParams.set("order", order); // which a script put there
  openPart(link, address, "[data-panel]", showPanel);
}

document.addEventListener("click", openPanel, true); // before htmx follows the link

// --- search in the lists of the filter panel --------------------------------------------------------------------

function search(field) {
  const text = field.value.trim().toLowerCase();
  for (const list of $$(".found", field.form)) {
    for (const choice of $$(".choice", list)) choice.hidden = !choice.textContent.toLowerCase().includes(text);
    list.hidden = !list.querySelector(".choice:not([hidden])");
  }
}

document.addEventListener("input", event => {
  if (event.target.matches("[data-search]")) search(event.target);
});

document.addEventListener("keydown", event => {
  const field = event.target;
  if (event.key !== "Enter" || !field.matches("[data-search]") || !field.value.trim()) return;
  event.preventDefault();
  const box = field.form.querySelector(".found:not([hidden]) .choice:not([hidden]) input");
  if (!box) return;
  box.checked = true;
  field.form.requestSubmit();
});

// A value is kept or left out, not both.
document.addEventListener("change", event => {
  const choice = event.target.checked && event.target.closest(".choice");
  for (const other of choice ? $$("input", choice) : []) other.checked = other === event.target;
});

document.addEventListener("DOMContentLoaded", () => {
  for (const field of $$("[data-search]")) field.hidden = false;
});

// --- search in a list of the page, as one types -----------------------------------------------------------------

const TYPED_MS = 300; // a pause in typing

// All of the panel but the form is replaced by what another answer has there: what one types in stays as it is.
function replaceAround(form, other) {
  for (let kept = form; !kept.matches("section"); kept = kept.parentElement) {
    const fresh = [...other.parentElement.childNodes];
    for (const old of [...kept.parentElement.childNodes]) {
      if (old !== kept) old.remove();
    }
    kept.before(...fresh.slice(0, fresh.indexOf(other)));
    kept.after(...fresh.slice(fresh.indexOf(other) + 1));
    other = other.parentElement;
  }
}

async function seek(form) {
  const { value } = form.q;
  const address = new URL(location.pathname, location.origin);
  for (const [name, each] of new FormData(form)) {
    if (each) address.searchParams.append(name, each);
  }
  const order = new URLSearchParams(location.search).get("order");
  if (order) address.searchParams.set("order", order);
  const reply = await ask(address);
  if (!reply) return;
  if (!reply.ok || reply.redirected) return say(reply.redirected ? sentences().ended : sentences().away);
  const page = parsed(await reply.text());
  const other = page.querySelector("form[data-seek]");
  if (form.q.value !== value || !form.isConnected) return; // typed on, or gone
  if (!other) return location.assign(address); // a list that is short without a search has no form
  replaceAround(form, other);
  form.q.defaultValue = value; // what was found for: no longer what one is about to do
  history.replaceState(history.state, "", address);
  htmx.process(form.closest("section"));
  makeSortable(form.closest("section"));
  sortAsNamed();
  document.dispatchEvent(new CustomEvent("parts:replaced", { detail: page }));
}

function seekSoon(event) {
  const form = event.target.closest("form[data-seek]");
  if (!form || event.isComposing) return;
  clearTimeout(seekSoon.timer);
  seekSoon.timer = setTimeout(seek, TYPED_MS, form);
}

for (const event of ["input", "compositionend"]) document.addEventListener(event, seekSoon);

// Disabled fields are not sent: the empty ones.
function leaveOutUnused(event) {
  const form = event.target;
  if (form.method !== "get") return;
  for (const field of form.elements) {
    if (field.name && !field.value) field.disabled = true;
  }
  setTimeout(() => {
    for (const field of form.elements) field.disabled = false;
  });
}

document.addEventListener("submit", leaveOutUnused, true);
