// The search in events and in records of all kinds.

import { searchAll } from "./api.js";
import { element } from "./dom.js";
import { addressOf, addressOfEvent, addressOfKind, KINDS } from "./kinds.js";

const PAUSE = 200; // milliseconds after the last key
const EVENTS = { title: "Events" };

export class SearchDialog {
  #dialog;
  #field = element("input", {
    type: "search",
    placeholder: "Search in everything",
    "aria-label": "Search in everything",
    spellcheck: "false",
    input: () => this.#soon(),
    keydown: (event) => this.#pressed(event, -1),
  });
  #found = element("div", { class: "found", keydown: (event) => this.#pressed(event) });
  #word = element("p", { class: "none", role: "status" });
  #timer = 0;
  #request = new AbortController();

  constructor(dialog) {
    this.#dialog = dialog;
    dialog.append(this.#field, this.#word, this.#found);
    // A click beside it closes it, as Escape does.
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  }

  open() {
    this.#dialog.showModal();
    this.#field.select();
  }

  #soon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#search(), PAUSE);
  }

  async #search() {
    this.#request.abort();
    this.#request = new AbortController();
    const text = this.#field.value;
    if (!text) {
      this.#show([], "");
      return;
    }
    this.#word.textContent = "searching";
    try {
      const found = await searchAll(text, this.#request.signal);
      this.#show(found, found.length ? "" : "Nothing found.", text);
    } catch (error) {
      if (error.name !== "AbortError") {
        this.#show([], error.message);
      }
    }
  }

  #show(found, word, text) {
    this.#word.textContent = word;
    this.#found.replaceChildren(...found.map((group) => this.#group(group, text)));
    this.#found.scrollTop = 0;
  }

  #group({ kind, records, has_more: hasMore }, text) {
    const { title } = KINDS[kind] ?? EVENTS;
    const query = new URLSearchParams({ q: text });
    const page = kind === "events" ? "/" : addressOfKind(kind);
    const rest = element("a", { href: `${page}#${query}`, click: () => this.#leave() }, `All ${title.toLowerCase()} →`);
    return element(
      "section",
      {},
      element("h3", {}, title),
      element("ul", {}, ...records.map((record) => element("li", {}, this.#link(kind, record)))),
      hasMore ? rest : null,
    );
  }

  #link(kind, { id, name, who, about, status, tone }) {
    return element(
      "a",
      {
        href: kind === "events" ? addressOfEvent(id) : addressOf({ kind, id }),
        "data-verdict": tone,
        click: () => this.#leave(),
      },
      element("span", { class: "name" }, name),
      element("span", { class: "who" }, [status, who].filter(Boolean).join(" · ")),
      element("span", { class: "about" }, about),
    );
  }

  /** Close: the link may lead to this very page. */
  #leave() {
    this.#dialog.close();
  }

  #pressed(event, from) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) {
      return;
    }
    event.preventDefault();
    const links = [...this.#found.querySelectorAll("a")];
    const place = (from ?? links.indexOf(document.activeElement)) + step;
    (place < 0 ? this.#field : links[Math.min(place, links.length - 1)])?.focus();
  }
}
