// Answers that are not what was asked for: none, an error page, or the login instead of a part.
"use strict";

const parsed = html => new DOMParser().parseFromString(html, "text/html");

// What is said of them, in the language of the page.
const sentences = () => document.getElementById("main").dataset;

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
