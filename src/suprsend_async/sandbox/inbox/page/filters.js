// Search and filters: a form, and the address in which they stay when the page is loaded again.

const PAUSE = 150; // milliseconds after the last key
const BULKS = "bulks"; // the field that is no filter, but a way to look
const OPEN = "open"; // the one that says what is open beside the list

export class Filters {
  #form;
  #onChange;
  #timer = 0;

  constructor(form, onChange) {
    this.#form = form;
    this.#onChange = onChange;
    this.read();
    form.addEventListener("input", () => this.#soon());
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#now();
    });
    form.addEventListener("reset", () => setTimeout(() => this.#now()));
  }

  /** Take from the address what it holds. */
  read() {
    this.#put(OPEN, "");
    for (const [name, value] of new URLSearchParams(location.hash.slice(1))) {
      this.#put(name, value);
    }
  }

  /** What is asked for; only what is not empty. */
  get values() {
    const { [BULKS]: _, [OPEN]: __, ...values } = this.#all;
    return values;
  }

  /** Whether each bulk is to be seen as one. */
  get bulksAsOne() {
    return BULKS in this.#all;
  }

  /** What is open beside the list: its id, or null. */
  get open() {
    return this.#all[OPEN] ?? null;
  }

  /** Keep in the address what is open. */
  keepOpen(id) {
    this.#put(OPEN, id ?? "");
    this.#tell();
  }

  toggleBulks() {
    this.#form.elements[BULKS].checked = !this.bulksAsOne;
    this.#now();
  }

  get areSet() {
    return Object.keys(this.values).length > 0;
  }

  /** Ask for one value more. */
  add(name, value) {
    this.#put(name, value);
    this.#now();
  }

  reset() {
    this.#form.reset();
  }

  get #all() {
    const pairs = [...new FormData(this.#form)].map(([name, value]) => [name, name === "q" ? value : value.trim()]);
    return Object.fromEntries(pairs.filter(([, value]) => value !== ""));
  }

  #put(name, value) {
    const field = this.#form.elements.namedItem(name);
    if (name === BULKS) {
      field.checked = true;
    } else if (field) {
      field.value = value;
    }
  }

  #soon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#now(), PAUSE);
  }

  #now() {
    clearTimeout(this.#timer);
    this.#tell();
    this.#onChange();
  }

  #tell() {
    history.replaceState(null, "", `#${new URLSearchParams(this.#all)}`);
  }
}
