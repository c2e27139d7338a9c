// The panel that provokes faults, and the list of those that are still to strike.

import { addFault, clearFaults, listFaults, removeFault } from "./api.js";
import { say } from "./clipboard.js";
import { button, byId, element } from "./dom.js";
import { KINDS, describe } from "./fault_kinds.js";
import { count, counted } from "./format.js";

export class Faults {
  #panel = byId("faults");
  #button = byId("faults-button");
  #pending = element("ul", { class: "pending", "aria-label": "Faults still to come" });
  #fields = element("div", { class: "fields" });
  #count = element("input", { name: "count", type: "number", min: 1, max: 1_000_000, placeholder: "until cleared" });
  #kind = element("select", { name: "kind", change: () => this.#showFields() });
  #told = "[]";
  #problem = element("p", { class: "problem", role: "alert" });

  constructor() {
    this.#kind.append(...Object.entries(KINDS).map(([kind, { label }]) => element("option", { value: kind }, label)));
    this.#panel.append(
      element(
        "header",
        {},
        element("h2", {}, "Provoke a fault"),
        button("×", () => this.toggle(), { class: "close", "aria-label": "Close" }),
      ),
      element(
        "form",
        { submit: (event) => this.#provoke(event) },
        field("Fault", this.#kind),
        this.#fields,
        field("How often", this.#count),
        element("button", { type: "submit", class: "primary" }, "Provoke"),
        this.#problem,
      ),
      this.#pending,
    );
    this.#showFields();
    this.#button.addEventListener("click", () => this.toggle());
    this.#panel.addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        event.stopPropagation();
        this.toggle();
      }
    });
  }

  get isOpen() {
    return !this.#panel.hidden;
  }

  toggle() {
    this.#panel.hidden = !this.#panel.hidden;
    this.#button.setAttribute("aria-expanded", this.isOpen);
    (this.isOpen ? this.#kind : this.#button).focus();
  }

  /** Show what is still to strike. */
  async refresh() {
    const pending = await listFaults();
    const told = JSON.stringify(pending);
    // Left alone while it is the same: somebody may be about to press a button of it.
    if (told !== this.#told) {
      this.#told = told;
      this.#show(pending);
    }
  }

  #show(pending) {
    this.#button.textContent = pending.length ? counted(pending.length, "fault") : "Faults";
    this.#button.classList.toggle("active", pending.length > 0);
    this.#pending.replaceChildren(...pending.map((planned) => this.#item(planned)));
    if (pending.length > 1) {
      const clear = button("Clear all", () => this.#change(clearFaults(), "Faults cleared"));
      this.#pending.append(element("li", {}, clear));
    }
  }

  #item({ id, fault, left }) {
    const description = describe(fault);
    return element(
      "li",
      {},
      element("span", {}, description),
      element("span", { class: "left" }, left === null ? "until cleared" : `${count(left)} more`),
      button("×", () => this.#change(removeFault(id), "Fault cleared"), {
        class: "close",
        "aria-label": `Clear: ${description}`,
      }),
    );
  }

  #showFields() {
    const { fields, lasts } = KINDS[this.#kind.value];
    this.#fields.replaceChildren(...Object.entries(fields).map(([name, spec]) => field(spec.label, input(name, spec))));
    this.#count.value = lasts ? "" : 1;
  }

  #provoke(event) {
    event.preventDefault();
    const { kind, ...values } = Object.fromEntries(new FormData(event.target));
    const fault = { kind };
    for (const [name, value] of Object.entries(values)) {
      if (value !== "") {
        fault[name] = event.target.elements[name].type === "number" ? Number(value) : value;
      }
    }
    this.#change(addFault(fault), "Fault planned");
  }

  async #change(request, done) {
    this.#problem.textContent = "";
    try {
      await request;
      await this.refresh();
      say(done);
    } catch (error) {
      this.#problem.textContent = error.message;
    }
  }
}

function field(label, control) {
  control.id = `fault-${control.name}`;
  return element("div", { class: "field" }, element("label", { for: control.id }, label), control);
}

function input(name, { label: _, options, ...attributes }) {
  if (options) {
    return element(
      "select",
      { name },
      ...Object.entries(options).map(([value, text]) => element("option", { value }, text)),
    );
  }
  return element("input", { name, ...attributes });
}
