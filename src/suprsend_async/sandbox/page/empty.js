// What the list says when there is nothing in it.

import { getEnvironment } from "./api.js";
import { copy } from "./clipboard.js";
import { element } from "./dom.js";

const FIRST_EVENT = `from suprsend_async import Event, Suprsend

with Suprsend() as client:
    client.track_event(Event("user-1", "order_placed", {"amount": 10}))
`;

/** Tell how to send the first event. */
export async function showWelcome(root) {
  const exports = await environmentLines();
  show(root, "welcome",
    element("h2", {}, "Waiting for the first event"),
    element("p", {}, "Point your application at this sandbox:"),
    snippet(exports, "Variables"),
    element("p", {}, "Then track something, for example:"),
    snippet(FIRST_EVENT, "Example"),
  );
}

/** Tell that the filters leave nothing. */
export function showNoMatch(root, onReset) {
  show(root, "no match",
    element("h2", {}, "No event matches"),
    element("p", {}, element("button", { type: "button", click: onReset }, "Show all events")),
  );
}

/** Leave the place to the events. */
export function showNothing(root) {
  show(root, "nothing");
  root.hidden = true;
}

/** Show it, unless it is there already: somebody may be about to copy from it. */
function show(root, kind, ...children) {
  root.hidden = false;
  if (root.dataset.kind !== kind) {
    root.dataset.kind = kind;
    root.replaceChildren(...children);
  }
}

function snippet(source, what) {
  return element("div", { class: "snippet" },
    element("pre", {}, source),
    element("button", { type: "button", click: () => copy(source, what) }, "Copy"),
  );
}

async function environmentLines() {
  const { variables } = await getEnvironment();
  return Object.entries(variables).map(([name, value]) => `export ${name}=${quoted(value)}\n`).join("");
}

const quoted = (value) => (/^[\w@%+=:,./-]+$/.test(value) ? value : `'${value.replaceAll("'", `'"'"'`)}'`);
