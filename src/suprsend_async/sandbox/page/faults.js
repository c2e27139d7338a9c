// The panel that provokes faults, and the list of those that are still to strike.

import { addFault, clearFaults, listFaults, removeFault } from "./api.js";
import { say } from "./clipboard.js";
import { byId, element } from "./dom.js";
import { count, counted } from "./format.js";

const number = (label, value, more = {}) => ({ label, type: "number", value, ...more });

// The fields are named as in the HTTP interface.
const KINDS = {
  status: {
    label: "Refuse with a status",
    fields: {
      status: number("HTTP status", 503, { min: 400, max: 599 }),
      retry_after: { label: "Retry-After", type: "text", placeholder: "none" },
      body: { label: "Body", type: "text", placeholder: "the platform's JSON" },
    },
  },
  html_502: { label: "A gateway's 502 page in HTML", fields: {} },
  latency: {
    label: "Answer late",
    fields: {
      seconds: number("Seconds at least", 1, { min: 0, max: 600, step: "any" }),
      jitter: number("Up to so many more", 0, { min: 0, max: 600, step: "any" }),
    },
  },
  reset: {
    label: "Reset the connection",
    fields: { when: { label: "When", options: { before: "before accepting", after: "after accepting" } } },
  },
  silence: { label: "Never answer", fields: {} },
  refuse_records: {
    label: "Refuse single events",
    fields: {
      name: { label: "Event name", type: "text", placeholder: "any" },
      distinct_id: { label: "distinct_id", type: "text", placeholder: "any" },
      status: number("Record's status", 422, { min: 400, max: 599 }),
    },
  },
  rate_limit: {
    label: "Limit the rate",
    fields: { events_per_second: number("Events a second", 10, { min: 0.001, max: 1_000_000, step: "any" }) },
  },
  random: {
    label: "A random mix",
    fields: {
      share: number("Share of requests", 0.2, { min: 0, max: 1, step: "any" }),
      seed: number("Seed", 1, { min: 0 }),
    },
  },
};
const LASTING = ["latency", "refuse_records", "rate_limit", "random"]; // most useful until cleared

export class Faults {
  #panel = byId("faults");
  #button = byId("faults-button");
  #pending = element("ul", { class: "pending", "aria-label": "Faults still to come" });
  #fields = element("div", { class: "fields" });
  #count = element("input", { name: "count", type: "number", min: 1, max: 1_000_000, placeholder: "until cleared" });
  #kind = element("select", { name: "kind", change: () => this.#showFields() });
  #problem = element("p", { class: "problem", role: "alert" });

  constructor() {
    this.#kind.append(...Object.entries(KINDS).map(([kind, { label }]) => element("option", { value: kind }, label)));
    this.#panel.append(
      element("header", {},
        element("h2", {}, "Provoke a fault"),
        element("button", { type: "button", class: "close", "aria-label": "Close", click: () => this.toggle() }, "×"),
      ),
      element("form", { submit: (event) => this.#provoke(event) },
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
    this.#button.textContent = pending.length ? counted(pending.length, "fault") : "Faults";
    this.#button.classList.toggle("active", pending.length > 0);
    this.#pending.replaceChildren(...pending.map((planned) => this.#item(planned)));
    if (pending.length > 1) {
      this.#pending.append(element("li", {}, element("button", { type: "button", click: () => this.#change(clearFaults(), "Faults cleared") }, "Clear all")));
    }
  }

  #item({ id, fault, left }) {
    return element("li", {},
      element("span", {}, describe(fault)),
      element("span", { class: "left" }, left === null ? "until cleared" : `${count(left)} more`),
      element("button", { type: "button", class: "close", "aria-label": `Clear: ${describe(fault)}`, click: () => this.#change(removeFault(id), "Fault cleared") }, "×"),
    );
  }

  #showFields() {
    const { fields } = KINDS[this.#kind.value];
    this.#fields.replaceChildren(...Object.entries(fields).map(([name, spec]) => field(spec.label, input(name, spec))));
    this.#count.value = LASTING.includes(this.#kind.value) ? "" : 1;
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
    return element("select", { name }, ...Object.entries(options).map(([value, text]) => element("option", { value }, text)));
  }
  return element("input", { name, ...attributes });
}

/** Say in a few words what a fault does. */
function describe(fault) {
  switch (fault.kind) {
    case "status":
      return `Status ${fault.status}${fault.retry_after === null ? "" : `, Retry-After ${fault.retry_after}`}`;
    case "latency":
      return `Late by ${fault.seconds}${fault.jitter ? ` to ${fault.seconds + fault.jitter}` : ""} s`;
    case "reset":
      return `Reset ${fault.when} accepting`;
    case "refuse_records":
      return `Refuse ${fault.name ?? "events"} of ${fault.distinct_id ?? "anybody"}: ${fault.status}`;
    case "rate_limit":
      return `At most ${counted(fault.events_per_second, "event")} a second`;
    case "random":
      return `A random mix for ${Math.round(fault.share * 100)} % of requests, seed ${fault.seed}`;
    default:
      return KINDS[fault.kind].label;
  }
}
