// Forms over the page: a link with data-dialog shows the part #edit of its page in a dialog.
"use strict";

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

document.addEventListener("click", event => {
  const link = event.target.closest("a[data-dialog]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  event.stopPropagation();
  openPart(link, link.href, "#edit", showEdit);
}, true); // before htmx follows the link
