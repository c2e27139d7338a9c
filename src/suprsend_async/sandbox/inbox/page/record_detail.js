// The panel beside the list: one record with all that is known of it.

import { getRecord } from "./api.js";
import { copy } from "./clipboard.js";
import { button, element } from "./dom.js";
import { exchange, section } from "./exchange.js";
import { KINDS } from "./kinds.js";
import { actions } from "./record_actions.js";
import { facts, history, part, preview } from "./record_parts.js";
import { asPython, asTest } from "./record_python.js";
import { tree } from "./tree.js";

const PARTS_FIRST = ["messages", "deliveries"]; // what came of them says more than the rest of what they hold
const SAYS_WHY = ["deliveries", "webhooks"]; // kinds whose rows say why, and nothing else

export class RecordDetail {
  #root;
  #kind;
  #onClose;
  #request = new AbortController();
  #found = null;
  #told = "";
  #parts = [];

  /** Show records of this kind in the element. */
  constructor(root, kind, onClose) {
    this.#root = root;
    this.#kind = kind;
    this.#onClose = onClose;
  }

  get isOpen() {
    return !this.#root.hidden;
  }

  /** Show a record. */
  async show(id) {
    this.#request.abort();
    this.#request = new AbortController();
    this.#root.hidden = false;
    this.#found = null;
    this.#root.replaceChildren(this.#header("", null));
    this.#fill(await getRecord(this.#kind, id, this.#request.signal));
    this.#root.scrollTop = 0;
  }

  /** Show what became of it. */
  async refresh() {
    if (this.#found === null) {
      return;
    }
    const { signal } = this.#request;
    const found = await getRecord(this.#kind, this.#found.record.id, signal);
    // Left alone while it is the same: somebody may be reading further down.
    if (signal.aborted) {
      return;
    }
    if (JSON.stringify(found) === this.#told) {
      await Promise.all(this.#parts.map(({ refresh }) => refresh()));
      return;
    }
    const { scrollTop } = this.#root;
    this.#fill(found);
    this.#root.scrollTop = scrollTop;
  }

  close() {
    this.#request.abort();
    this.#root.hidden = true;
    this.#root.replaceChildren();
    this.#found = null;
  }

  copyAsPython() {
    this.#copy(asPython, "Python");
  }

  copyAsTest() {
    this.#copy(asTest, "Test");
  }

  #fill(found) {
    this.#found = found;
    this.#told = JSON.stringify(found);
    this.#root.dataset.id = found.record.id;
    this.#parts = found.parts.map((each) => part(this.#kind, found.record.id, each, this.#request.signal));
    const parts = this.#parts.map(({ made }) => made);
    const sections = found.sections.map(({ title, value }) => section(title, tree(value)));
    const focused = document.activeElement?.closest?.("#detail [data-action]")?.dataset.action;
    this.#root.replaceChildren(
      this.#header(found.record.name, this.#copying()),
      ...outcome(found),
      ...actions(found),
      facts(found.facts),
      ...preview(found.preview, KINDS[found.kind].texts),
      ...(PARTS_FIRST.includes(found.kind) ? [...parts, ...sections] : [...sections, ...parts]),
      ...history(found.history),
      ...(found.request === null ? [] : exchange(found)),
    );
    this.#focusAgain(focused);
  }

  #header(title, actions) {
    const close = button("×", this.#onClose, {
      class: "close",
      "aria-label": "Close",
      "aria-keyshortcuts": "Escape",
    });
    return element("header", {}, element("h2", {}, title), actions, close);
  }

  /** Whoever pressed a button by keyboard goes on from there, or from the next one that can be pressed. */
  #focusAgain(label) {
    if (label !== undefined) {
      const buttons = [...this.#root.querySelectorAll("[data-action]")];
      const from = buttons.findIndex(({ dataset }) => dataset.action === label);
      buttons.slice(Math.max(from, 0)).find(({ disabled }) => !disabled)?.focus();
    }
  }

  #copying() {
    return element(
      "div",
      { class: "actions" },
      button("Copy as Python", () => this.copyAsPython(), { "aria-keyshortcuts": "c" }),
      button("Copy as test", () => this.copyAsTest(), { "aria-keyshortcuts": "t" }),
    );
  }

  #copy(write, what) {
    if (this.#found) {
      copy(write(this.#found), what);
    }
  }
}

function outcome({ kind, record, facts: known }) {
  if (record.status === null) {
    return [];
  }
  const reason = SAYS_WHY.includes(kind) ? record.about : (known.find(({ name }) => name === "why")?.value ?? "");
  return [
    element(
      "p",
      { class: "outcome", "data-verdict": record.tone },
      element("strong", { class: "verdict" }, record.status),
      element("span", {}, reason),
    ),
  ];
}
