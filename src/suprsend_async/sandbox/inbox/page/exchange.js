// A request and the answer to it, as they went over the wire.

import { element } from "./dom.js";
import { count } from "./format.js";

/** A part of the detail with its title. */
export function section(title, ...children) {
  return element("section", {}, element("h3", {}, title), ...children);
}

/** The sections of a request and its answer. */
export function exchange({ request, response }) {
  return [
    section("Request", ...message([`${request.method} ${request.target}`], request)),
    response === null
      ? section("Response", element("p", { class: "none" }, "None was given."))
      : section("Response", ...message([`HTTP ${response.status_code}`], response)),
  ];
}

function message(head, { headers, body, body_size: size, body_left_out: rest }) {
  const lines = [...head, ...headers.map(([name, value]) => `${name.toLowerCase()}: ${value}`)];
  return [
    element("pre", { class: "raw", tabindex: "0", "aria-label": "Headers" }, lines.join("\n")),
    size
      ? element("pre", { class: "raw body", tabindex: "0", "aria-label": "Body" }, body)
      : element("p", { class: "raw none" }, "No body."),
    ...(rest > 0 ? [element("p", { class: "none" }, `and ${count(rest)} bytes more`)] : []),
  ];
}
