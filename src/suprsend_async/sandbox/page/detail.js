// One event in full: its properties, why it was taken or refused, its history, and the request that it came in.

import { getEvent } from "./api.js";
import { copy } from "./clipboard.js";
import { button, element } from "./dom.js";
import { clock, count, dateAndClock, status } from "./format.js";
import { asEvent, asTest } from "./python.js";
import { tree } from "./tree.js";

const REASONS = {
  accepted: "The event keeps the rules and was taken.",
  repeated: "Its idempotency key was known: it is answered as the first one was, and not processed again.",
};

export class Detail {
  #root;
  #onClose;
  #onFilter;
  #onShow;
  #request = new AbortController();
  #shown = null;

  /**
   * @param {HTMLElement} root
   * @param {{onClose: () => void, onFilter: (name: string, value: string) => void, onShow: (id: number) => void}}
   *   listeners `onFilter` asks for the events like this one, `onShow` for another event.
   */
  constructor(root, { onClose, onFilter, onShow }) {
    this.#root = root;
    this.#onClose = onClose;
    this.#onFilter = onFilter;
    this.#onShow = onShow;
  }

  get isOpen() {
    return !this.#root.hidden;
  }

  async show(id) {
    this.#request.abort();
    this.#request = new AbortController();
    this.#root.hidden = false;
    const found = await getEvent(id, this.#request.signal);
    this.#shown = found;
    this.#root.scrollTop = 0;
    this.#root.dataset.id = id;
    this.#root.replaceChildren(
      this.#heading(found),
      verdict(found),
      this.#facts(found),
      section("Properties", tree(ownProperties(found.event))),
      ...(found.history.length > 1 ? [this.#history(found)] : []),
      section("Request", ...request(found.request)),
    );
  }

  close() {
    this.#request.abort();
    this.#root.hidden = true;
    this.#root.replaceChildren();
    this.#shown = null;
  }

  copyAsPython() {
    this.#copy(asEvent, "Event(…) call");
  }

  copyAsTest() {
    this.#copy(asTest, "Test");
  }

  #copy(write, what) {
    if (this.#shown?.event) {
      copy(write(this.#shown.event), what);
    }
  }

  #heading(found) {
    const disabled = found.event === null;
    return element(
      "header",
      {},
      element("h2", {}, found.name ?? "A whole request"),
      element(
        "div",
        { class: "actions" },
        button("Copy as Python", () => this.copyAsPython(), { disabled, "aria-keyshortcuts": "c" }),
        button("Copy as test", () => this.copyAsTest(), { disabled, "aria-keyshortcuts": "t" }),
      ),
      button("×", this.#onClose, { class: "close", "aria-label": "Close", "aria-keyshortcuts": "Escape" }),
    );
  }

  #facts(found) {
    const event = found.event ?? {};
    const facts = [
      ["distinct_id", found.distinct_id, "distinct_id"],
      ["tenant", found.tenant_id, "tenant_id"],
      ["received", dateAndClock(found.received_at)],
      ["idempotency key", found.idempotency_key],
      ["message id", found.message_id],
      ["insert id", event.$insert_id],
      ["happened", typeof event.$time === "number" ? dateAndClock(event.$time / 1000) : null],
      ["sent by", event.properties?.$ss_sdk_version],
    ];
    const items = facts
      .filter(([, value]) => typeof value === "string")
      .map(([name, value, filter]) => {
        const more = filter ? button("show only these", () => this.#onFilter(filter, value), { class: "link" }) : null;
        return element("div", {}, element("dt", {}, name), element("dd", {}, value, more));
      });
    return element("dl", { class: "facts" }, ...items);
  }

  #history(found) {
    const items = found.history.map((entry) => {
      const isThis = entry.id === found.id;
      return element(
        "li",
        { "data-verdict": entry.verdict, "aria-current": isThis },
        button(clock(entry.received_at), () => this.#onShow(entry.id), { class: "link" }),
        element("span", { class: "verdict" }, `${entry.verdict} ${status(entry.status_code)}`),
        element("span", {}, isThis ? "this one" : (entry.reason ?? "")),
      );
    });
    return section(`History of the key (${count(items.length)})`, element("ol", { class: "history" }, ...items));
  }
}

/** The sender's properties; what the SDK adds is told above. */
function ownProperties(event) {
  const { $ss_sdk_version: _, ...properties } = event?.properties ?? {};
  return properties;
}

function verdict(found) {
  return element(
    "p",
    { class: "outcome", "data-verdict": found.verdict },
    element("strong", { class: "verdict" }, `${found.verdict} ${status(found.status_code)}`),
    element("span", {}, found.reason ?? REASONS[found.verdict] ?? ""),
  );
}

function section(title, ...children) {
  return element("section", {}, element("h3", {}, title), ...children);
}

function request({ method, target, headers, body, body_size: size }) {
  const head = [`${method} ${target}`, ...headers.map(([name, value]) => `${name}: ${value}`)].join("\n");
  const rest = size - new TextEncoder().encode(body).length;
  return [
    element("pre", { class: "raw" }, head),
    element("pre", { class: "raw body", tabindex: "0", "aria-label": "Body" }, body),
    ...(rest > 0 ? [element("p", { class: "none" }, `and ${count(rest)} bytes more`)] : []),
  ];
}
