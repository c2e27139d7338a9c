// The kinds of faults: what the form asks for, and how a planned one is described.
// Names and values are those of the HTTP interface.

import { counted } from "./format.js";

const number = (label, value, more = {}) => ({ label, type: "number", value, ...more });
const text = (label, placeholder) => ({ label, type: "text", placeholder });

/** By kind: its label, the fields, what a planned one is called, and whether it is of most use until cleared. */
export const KINDS = {
  status: {
    label: "Refuse with a status",
    fields: {
      status: number("HTTP status", 503, { min: 400, max: 599 }),
      retry_after: text("Retry-After", "none"),
      body: text("Body", "the platform's JSON"),
    },
    describe: ({ status, retry_after: wait }) => `Status ${status}${wait === null ? "" : `, Retry-After ${wait}`}`,
  },
  html_502: {
    label: "A gateway's 502 page in HTML",
    fields: {},
    describe: () => "A gateway's 502 page",
  },
  latency: {
    label: "Answer late",
    fields: {
      seconds: number("Seconds at least", 1, { min: 0, max: 600, step: "any" }),
      jitter: number("Up to so many more", 0, { min: 0, max: 600, step: "any" }),
    },
    describe: ({ seconds, jitter }) => `Late by ${seconds}${jitter ? ` to ${seconds + jitter}` : ""} s`,
    lasts: true,
  },
  reset: {
    label: "Reset the connection",
    fields: { when: { label: "When", options: { before: "before accepting", after: "after accepting" } } },
    describe: ({ when }) => `Reset ${when} accepting`,
  },
  silence: {
    label: "Never answer",
    fields: {},
    describe: () => "No answer",
  },
  refuse_records: {
    label: "Refuse single events",
    fields: {
      name: text("Event name", "any"),
      distinct_id: text("distinct_id", "any"),
      status: number("Record's status", 422, { min: 400, max: 599 }),
    },
    describe: ({ name, distinct_id: who, status }) => `Refuse ${name ?? "events"} of ${who ?? "anybody"}: ${status}`,
    lasts: true,
  },
  rate_limit: {
    label: "Limit the rate",
    fields: { events_per_second: number("Events a second", 10, { min: 0.001, max: 1_000_000, step: "any" }) },
    describe: ({ events_per_second: rate }) => `At most ${counted(rate, "event")} a second`,
    lasts: true,
  },
  message_status: {
    label: "Give messages a status",
    fields: {
      status: {
        label: "Status",
        options: {
          delivery_failure: "delivery failure",
          trigger_failed: "trigger failed",
          delivered: "delivered",
          seen: "seen",
          clicked: "clicked",
        },
      },
      workflow: text("Workflow", "any"),
      channel: text("Channel", "any"),
      distinct_id: text("distinct_id", "any"),
    },
    describe: ({ status, workflow, channel }) => `Messages of ${workflow ?? "anything"} on ${channel ?? "any channel"}: ${status}`,
    lasts: true,
  },
  random: {
    label: "A random mix",
    fields: {
      share: number("Share of requests", 0.2, { min: 0, max: 1, step: "any" }),
      seed: number("Seed", 1, { min: 0 }),
    },
    describe: ({ share, seed }) => `A random mix for ${Math.round(share * 100)} % of requests, seed ${seed}`,
    lasts: true,
  },
};

export const describe = (fault) => KINDS[fault.kind].describe(fault);
