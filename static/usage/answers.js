// Answers that are not what was asked for: none, an error page, or the login instead of a part.
"use strict";

const parsed = html => new DOMParser().parseFromString(html, "text/html");

// What is said of them, in the language of the page.
const sentences = () => document.getElementById("main").dataset;

// Says it above the page, or in the dialog over it, in the place of what was said before.
function say(sentence) {
  for (const note of $$(".note.away")) note.remove();
  if (!sentence) return;
  const sign = element("i", { "aria-hidden": true }, "▲");
  const note = element("div", { class: "note bad away", role: "alert" }, sign, element("span", {}, sentence));
  (document.querySelector("dialog[open]") || document.getElementById("main")).prepend(note);
  note.scrollIntoView({ block: "center" });
}

document.addEventListener("htmx:beforeRequest", () => say(""));
document.addEventListener("htmx:sendError", () => say(sentences().away));

// The answer, or null where none comes, which is said.
async function ask(address) {
  say("");
  const reply = await fetch(address).catch(() => null);
  if (!reply) say(sentences().away);
  return reply;
}

// Opens the part of another page that a link leads to; where there is none the browser goes to that page.
async function openPart(link, address, selector, open) {
  const reply = await ask(address);
  if (!reply) return;
  const part = reply.ok && parsed(await reply.text()).querySelector(selector);
  if (part) open(part, link);
  else location.href = link.href;
}

// A part stays where the answer has none: that shows as a page of its own, unless the page itself had asked for the
// part. Sentences and choices, which are no part of a page, give way to what went wrong.
document.addEventListener("htmx:beforeSwap", event => {
  const { detail } = event;
  const { target, xhr, requestConfig: { elt, triggeringEvent } } = detail;
  if (target === document.body) return;
  const select = elt.getAttribute("hx-select");
  if (!select) {
    const isLogin = new URL(xhr.responseURL).pathname.endsWith("/login/");
    if (isLogin || xhr.status >= 400) detail.serverResponse = isLogin ? sentences().ended : sentences().away;
  } else if (!parsed(xhr.response).querySelector(select)) {
    detail.shouldSwap = false;
    if (triggeringEvent) location.href = xhr.responseURL;
  }
});
