// The counts at the top, and whether the page still hears from the sandbox.

import { element } from "./dom.js";
import { count, counted } from "./format.js";

const MEANINGS = {
  accepted: "Events that were taken",
  refused: "Events that were refused, and requests that were refused as a whole",
  repeated: "Events whose idempotency key was known",
};
const STATES = { live: "live", lost: "connection lost, trying again" };

export class Counters {
  #root;
  #connection;
  #handled = 0;

  constructor(root, connection) {
    this.#root = root;
    this.#connection = connection;
  }

  showConnection(state) {
    this.#connection.textContent = STATES[state];
    this.#connection.dataset.state = state;
  }

  /** Show the counts; tell whether the sandbox was cleared since the last time. */
  showStats(stats) {
    const handled = stats.accepted + stats.refused + stats.repeated;
    const wasCleared = handled < this.#handled;
    this.#handled = handled;
    const counts = ["accepted", "refused", "repeated"].map((name) => [name, stats[name]]);
    this.#root.replaceChildren(
      ...counts.map(([name, number]) =>
        element(
          "div",
          { "data-verdict": name, class: number ? "some" : "none", title: MEANINGS[name] },
          element("dt", {}, name),
          element("dd", {}, count(number)),
        ),
      ),
      ...(stats.dropped ? [dropped(stats)] : []),
    );
    return wasCleared;
  }
}

function dropped(stats) {
  const explanation = `The sandbox keeps ${counted(stats.max_events, "row")}; older ones have made room.`;
  return element(
    "div",
    { class: "dropped", title: explanation },
    element("dt", {}, "dropped"),
    element("dd", {}, count(stats.dropped)),
  );
}
