// Forms over the page: a link with data-dialog shows the part #edit of its page in a dialog.
"use strict";

async function fetchEdit(address) {
  const reply = await fetch(address).catch(() => null);
  if (!reply?.ok) return null;
  return new DOMParser().parseFromString(await reply.text(), "text/html").getElementById("edit");
}

function showEdit(part, opener) {
  const dialog = document.createElement("dialog");
  dialog.className = "sheet";
  dialog.setAttribute("aria-labelledby", part.getAttribute("aria-labelledby"));
  dialog.append(part);
  document.body.append(dialog);
  htmx.process(dialog);
  dialog.addEventListener("close", () => {
    dialog.remove();
    opener.focus();
  });
  let isChanged = false;
  dialog.addEventListener("input", () => isChanged = true);
  dialog.addEventListener("click", click => {
    const isBeside = click.target === dialog;
    if (isBeside ? isChanged : !click.target.closest("[data-close]")) return; // what was typed is not dropped by a slip
    click.preventDefault();
    click.stopPropagation();
    dialog.close();
  }, true);
  dialog.showModal();
  dialog.querySelector("input[autofocus]")?.select(); // what is typed takes the place of what was there
}

document.addEventListener("click", async event => {
  const link = event.target.closest("a[data-dialog]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  event.stopPropagation();
  const part = await fetchEdit(link.href);
  if (part) {
    showEdit(part, link);
  } else {
    location.href = link.href;
  }
}, true); // before htmx follows the link
