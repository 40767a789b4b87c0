// The filter panel, opened over the page, and addresses without the fields that were left empty.
"use strict";

async function fetchForm(address) {
  const reply = await fetch(address);
  if (!reply.ok) return null;
  return new DOMParser().parseFromString(await reply.text(), "text/html").getElementById("filter-form");
}

function showForm(form, opener) {
  const dialog = document.createElement("dialog");
  dialog.className = "sheet";
  dialog.setAttribute("aria-label", form.querySelector("h2").textContent);
  dialog.append(form);
  form.querySelector(":checked")?.setAttribute("autofocus", "");
  document.body.append(dialog);
  htmx.process(dialog);
  dialog.addEventListener("close", () => {
    dialog.remove();
    opener.focus();
  });
  dialog.addEventListener("click", click => {
    if (click.target === dialog) dialog.close();
  });
  dialog.showModal();
}

async function openPanel(event) {
  const link = event.target.closest("a[data-filter-panel]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  event.stopPropagation();
  const form = await fetchForm(link.href);
  if (form) {
    showForm(form, link);
  } else {
    location.href = link.href;
  }
}

document.addEventListener("click", openPanel, true); // before htmx follows the link

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
