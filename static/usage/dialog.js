// Parts of other pages over this one: a link with data-dialog shows the part #edit of its page in a dialog.
"use strict";

// `name` is the attribute that gives the dialog its name, and its value.
function showOver(part, opener, name) {
  const dialog = document.createElement("dialog");
  dialog.className = "sheet";
  dialog.setAttribute(...name);
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
    if (isBeside ? isChanged : !click.target.closest("[data-close]")) return; // a slip drops nothing that was entered
    click.preventDefault();
    click.stopPropagation();
    dialog.close();
  }, true);
  dialog.showModal();
}

function showEdit(part, opener) {
  showOver(part, opener, ["aria-labelledby", part.getAttribute("aria-labelledby")]);
  part.querySelector("input[autofocus]")?.select(); // what is typed takes the place of what was there
}

document.addEventListener("click", event => {
  const link = event.target.closest("a[data-dialog]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  event.stopPropagation();
  openPart(link, link.href, "#edit", showEdit);
}, true); // before htmx follows the link
