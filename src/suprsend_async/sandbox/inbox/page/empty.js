// What the list says when there is nothing in it.

import { getEnvironment } from "./api.js";
import { copy } from "./clipboard.js";
import { button, element } from "./dom.js";
import { plural } from "./format.js";

const FIRST_EVENT = `from suprsend_async import Event, Suprsend

with Suprsend() as client:
    client.track_event(Event("user-1", "order_placed", {"amount": 10}))
`;

/** Tell how to send the first event. */
export async function showWelcome(root) {
  if (!turnTo("welcome", root)) {
    return;
  }
  const exports = await environmentLines();
  // The first event may have come meanwhile.
  if (root.dataset.kind === "welcome") {
    root.replaceChildren(
      element("h2", {}, "Waiting for the first event"),
      element("p", {}, "Point your application at this sandbox:"),
      snippet(exports, "Variables"),
      element("p", {}, "Then track something, for example:"),
      snippet(FIRST_EVENT, "Example"),
    );
  }
}

/** Tell that the filters leave nothing. */
export function showNoMatch(root, onReset, noun = "event") {
  if (turnTo("no match", root)) {
    root.append(element("h2", {}, `No ${noun} matches`), element("p", {}, button(`Show all ${plural(noun)}`, onReset)));
  }
}

/** Tell that there is nothing of a kind, and how there would be. */
export function showNone(root, noun, example) {
  if (turnTo("none", root)) {
    root.append(
      element("h2", {}, `No ${noun} so far`),
      element("p", {}, "This makes one, for example:"),
      snippet(example, "Example"),
    );
  }
}

/** Leave the place to the events. */
export function showNothing(root) {
  turnTo("nothing", root);
  root.hidden = true;
}

/** Make room for something else; false if it is there already: somebody may be about to copy from it. */
function turnTo(kind, root) {
  root.hidden = false;
  if (root.dataset.kind === kind) {
    return false;
  }
  root.dataset.kind = kind;
  root.replaceChildren();
  return true;
}

function snippet(source, what) {
  return element(
    "div",
    { class: "snippet" },
    element("pre", { tabindex: "0", "aria-label": what }, source),
    button("Copy", () => copy(source, what)),
  );
}

async function environmentLines() {
  const { variables } = await getEnvironment();
  return Object.entries(variables)
    .map(([name, value]) => `export ${name}=${quoted(value)}\n`)
    .join("");
}

const quoted = (value) => (/^[\w@%+=:,./-]+$/.test(value) ? value : `'${value.replaceAll("'", `'"'"'`)}'`);
