// A list of events, or of records. Only the rows in sight are in the page, however many there are.

import { element } from "./dom.js";
import { clock, dateAndClock } from "./format.js";

const SPARE = 8; // rows above and below those in sight
const AHEAD = 500; // loaded rows below those in sight, so that scrolling seldom waits
const CELLS = ["time", "verdict", "name", "distinct_id", "tenant", "about"];

export class RowList {
  #root;
  #entries;
  #present;
  #onSelect;
  #onEnd;
  #space = element("div", { class: "space", role: "presentation" });
  #rows = [];
  #scheduled = false;

  /** The id of the selected row; it stays selected when newer ones come before it. */
  selectedId = null;

  /**
   * @param {HTMLElement} root The scrolling element.
   * @param {{rows: {id: number}[], total: number, hasMore: boolean, hasTenants: boolean}} entries What is loaded.
   * @param {(row: object) => {at: number, verdict: string, text: string, name: string, who: string, tenant: string,
   *   about: string, isWhy: boolean, marks: string[]}} present What of a row is shown; the last are classes.
   * @param {{onSelect: (row: object, opened: boolean) => void, onEnd: () => void}} listeners `opened` means that the
   *   row is to be shown in full; `onEnd` is called when the last loaded rows come into sight.
   */
  constructor(root, entries, present, { onSelect, onEnd }) {
    this.#root = root;
    this.#entries = entries;
    this.#present = present;
    this.#onSelect = onSelect;
    this.#onEnd = onEnd;
    root.append(this.#space);
    root.addEventListener("scroll", () => this.render(), { passive: true });
    this.#space.addEventListener("click", (event) => this.#clicked(event));
    new ResizeObserver(() => this.render()).observe(root);
  }

  get isAtTop() {
    return this.#root.scrollTop < this.#rowHeight / 2;
  }

  /** The selected row, if it is loaded. */
  get selected() {
    return this.#entries.rows[this.selectedIndex];
  }

  get selectedIndex() {
    return this.#entries.rows.findIndex((entry) => entry.id === this.selectedId);
  }

  /** Select the entry so many places from the selected one, or the first. */
  move(places) {
    const last = this.#entries.rows.length - 1;
    const from = this.selectedIndex;
    this.selectAt(Math.min(Math.max(from < 0 ? 0 : from + places, 0), last));
  }

  /** Select an entry by its place, and bring it into sight. */
  selectAt(index, opened = false) {
    const entry = this.#entries.rows.at(index);
    if (entry === undefined) {
      return;
    }
    this.selectedId = entry.id;
    this.#reveal(this.selectedIndex);
    this.render();
    this.#onSelect(entry, opened);
  }

  scrollToTop() {
    this.#root.scrollTop = 0;
    this.render();
  }

  /** How many rows fit. */
  get pageSize() {
    return Math.max(1, Math.floor(this.#room / this.#rowHeight) - 1);
  }

  /** Show what is there now, with the next frame. */
  render() {
    if (!this.#scheduled) {
      this.#scheduled = true;
      requestAnimationFrame(() => {
        this.#scheduled = false;
        this.#draw();
      });
    }
  }

  get #rowHeight() {
    return Number.parseFloat(getComputedStyle(this.#root).getPropertyValue("--row-height"));
  }

  get #room() {
    return this.#root.clientHeight - this.#space.offsetTop;
  }

  #draw() {
    const { rows, total, hasTenants } = this.#entries;
    const height = this.#rowHeight;
    this.#space.style.height = `${rows.length * height}px`;
    this.#root.setAttribute("aria-rowcount", total === null ? -1 : total + 1);
    this.#root.classList.toggle("tenants", hasTenants);
    const first = Math.max(0, Math.floor(this.#root.scrollTop / height) - SPARE);
    const last = Math.min(rows.length, Math.ceil((this.#root.scrollTop + this.#room) / height) + SPARE);
    this.#provide(last - first);
    for (let place = 0; place < this.#rows.length; place += 1) {
      const index = first + place;
      if (index < last) {
        this.#fill(this.#rows[place], rows[index], index, height);
      } else {
        this.#rows[place].hidden = true;
      }
    }
    this.#tellActive();
    if (this.#entries.hasMore && last > rows.length - AHEAD) {
      this.#onEnd();
    }
  }

  #provide(count) {
    while (this.#rows.length < count) {
      const row = element("div", { class: "row", role: "row" });
      row.append(...CELLS.map((name) => element("span", { class: name, role: "gridcell" })));
      this.#rows.push(row);
      this.#space.append(row);
    }
  }

  #fill(row, entry, index, height) {
    row.hidden = false;
    row.id = `entry-${entry.id}`;
    row.dataset.index = index;
    row.setAttribute("aria-rowindex", index + 2);
    row.setAttribute("aria-selected", entry.id === this.selectedId);
    row.style.transform = `translateY(${index * height}px)`;
    const shown = this.#present(entry);
    row.dataset.verdict = shown.verdict;
    row.className = ["row", ...shown.marks].join(" ");
    const [time, verdict, name, who, tenant, about] = row.children;
    time.textContent = clock(shown.at);
    time.title = dateAndClock(shown.at);
    verdict.textContent = shown.text;
    name.textContent = shown.name;
    who.textContent = shown.who;
    tenant.textContent = shown.tenant;
    about.textContent = shown.about;
    about.classList.toggle("why", shown.isWhy);
  }

  #tellActive() {
    const isDrawn = this.#rows.some((row) => !row.hidden && row.id === `entry-${this.selectedId}`);
    if (isDrawn) {
      this.#root.setAttribute("aria-activedescendant", `entry-${this.selectedId}`);
    } else {
      this.#root.removeAttribute("aria-activedescendant");
    }
  }

  #reveal(index) {
    const height = this.#rowHeight;
    const top = index * height;
    if (top < this.#root.scrollTop) {
      this.#root.scrollTop = top;
    } else if (top + height > this.#root.scrollTop + this.#room) {
      // The rows that this is about may not be drawn yet, and there is no scrolling beyond the space.
      this.#space.style.height = `${this.#entries.rows.length * height}px`;
      this.#root.scrollTop = top + height - this.#room;
    }
  }

  #clicked(event) {
    const row = event.target.closest(".row");
    if (row) {
      this.selectAt(Number(row.dataset.index), true);
    }
  }
}
