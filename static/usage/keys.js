// Keys for those who know them: `/` searches, `g` and a letter opens a page, `t` the range, `?` lists them all.
"use strict";

const inField = target => target.closest("input, select, [contenteditable]");
let isGoing = false; // `g` was pressed before

const KEYS = {
  "/": () => document.querySelector(".find [type=search]")?.focus(),
  t: () => document.querySelector("#range")?.click(),
  "?": listKeys
};

function listKeys() {
  const list = document.getElementById("shortcuts")?.content.firstElementChild?.cloneNode(true);
  if (!list) return;
  document.body.append(list);
  list.addEventListener("close", () => list.remove());
  list.addEventListener("click", event => event.target === list && list.close()); // a click outside of what is in it
  list.showModal();
}

document.addEventListener("keydown", event => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.key === "Shift" || event.isComposing) return;
  if (inField(event.target) || document.querySelector("dialog[open]")) return;
  const key = event.key.toLowerCase();
  const page = isGoing && document.querySelector(`nav a[data-key="${CSS.escape(key)}"]`);
  isGoing = key === "g";
  if (page) {
    page.click();
  } else if (KEYS[key]) {
    event.preventDefault(); // the field would get the key
    KEYS[key]();
  }
});

document.addEventListener("click", event => {
  if (event.target.closest("[data-shortcuts]")) listKeys();
});
