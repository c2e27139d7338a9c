// The panel beside the list: one event, one request that was refused as a whole, or a bulk as one.

import { getEvent, getRequest } from "./api.js";
import { bulkParts, bulkTitle } from "./bulk_detail.js";
import { copy } from "./clipboard.js";
import { button, element } from "./dom.js";
import { eventParts, eventTitle } from "./event_detail.js";
import { asEvent, asTest } from "./python.js";

export class Detail {
  #root;
  #listeners;
  #request = new AbortController();
  #event = null;

  /**
   * @param {HTMLElement} root
   * @param {{onClose: () => void, onFilter: (name: string, value: string) => void, onShow: (id: number) => void,
   *   onBulk: (id: number) => void}} listeners `onFilter` asks for the events like this one, `onShow` for another event,
   *   `onBulk` for the request that it came in.
   */
  constructor(root, listeners) {
    this.#root = root;
    this.#listeners = listeners;
  }

  get isOpen() {
    return !this.#root.hidden;
  }

  /** Show an entry. */
  async show(id) {
    const found = await getEvent(id, this.#begin());
    this.#event = found.event;
    this.#fill(`${id}`, eventTitle(found), this.#copying(found.event), eventParts(found, this.#listeners));
  }

  /** Show a request as one. */
  async showBulk(id) {
    const found = await getRequest(id, this.#begin());
    this.#fill(`bulk-${id}`, bulkTitle(found), null, bulkParts(found, this.#listeners.onShow));
  }

  close() {
    this.#request.abort();
    this.#root.hidden = true;
    this.#root.replaceChildren();
    this.#event = null;
  }

  copyAsPython() {
    this.#copy(asEvent, "Event(…) call");
  }

  copyAsTest() {
    this.#copy(asTest, "Test");
  }

  #begin() {
    this.#request.abort();
    this.#request = new AbortController();
    this.#root.hidden = false;
    this.#event = null;
    return this.#request.signal;
  }

  #fill(id, title, actions, parts) {
    const close = button("×", this.#listeners.onClose, {
      class: "close",
      "aria-label": "Close",
      "aria-keyshortcuts": "Escape",
    });
    this.#root.scrollTop = 0;
    this.#root.dataset.id = id;
    this.#root.replaceChildren(element("header", {}, element("h2", {}, title), actions, close), ...parts);
  }

  #copying(event) {
    if (event === null) {
      return null;
    }
    return element(
      "div",
      { class: "actions" },
      button("Copy as Python", () => this.copyAsPython(), { "aria-keyshortcuts": "c" }),
      button("Copy as test", () => this.copyAsTest(), { "aria-keyshortcuts": "t" }),
    );
  }

  #copy(write, what) {
    if (this.#event) {
      copy(write(this.#event), what);
    }
  }
}
