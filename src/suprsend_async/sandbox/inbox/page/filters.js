// Search and filters: a form, and the address in which they stay when the page is loaded again.

const PAUSE = 150; // milliseconds after the last key
const BULKS = "bulks"; // the field that is no filter, but a way to look

export class Filters {
  #form;
  #onChange;
  #timer = 0;

  constructor(form, onChange) {
    this.#form = form;
    this.#onChange = onChange;
    for (const [name, value] of new URLSearchParams(location.hash.slice(1))) {
      this.#put(name, value);
    }
    form.addEventListener("input", () => this.#soon());
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#now();
    });
    form.addEventListener("reset", () => setTimeout(() => this.#now()));
  }

  /** What is asked for; only what is not empty. */
  get values() {
    const { [BULKS]: _, ...values } = this.#all;
    return values;
  }

  /** Whether each bulk is to be seen as one. */
  get bulksAsOne() {
    return BULKS in this.#all;
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
    history.replaceState(null, "", `#${new URLSearchParams(this.#all)}`);
    this.#onChange();
  }
}
