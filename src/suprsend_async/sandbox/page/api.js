// The sandbox's HTTP interface under /_sandbox/.

import { parseExactly } from "./json.js";

/** The sandbox's answer says no; the message is its own. */
export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** Entries that match the filters, newest first: {events, next_cursor, total}. */
export function listEvents(filters, { cursor = null, limit, signal }) {
  const query = new URLSearchParams({ limit });
  for (const [name, value] of Object.entries({ ...filters, cursor })) {
    if (value) {
      query.set(name, value);
    }
  }
  return call("GET", `events?${query}`, { signal });
}

/** One entry with its event, whose numbers are exactly as they came. */
export const getEvent = (id, signal) => call("GET", `events/${id}`, { signal, parse: parseExactly });

export const clearEvents = () => call("DELETE", "events");
export const getEnvironment = () => call("GET", "environment");
export const listFaults = async () => (await call("GET", "faults")).faults;
export const addFault = (fault) => call("POST", "faults", { body: fault });
export const removeFault = (id) => call("DELETE", `faults/${id}`);
export const clearFaults = () => call("DELETE", "faults");

/**
 * Listen for news: `onNews({latest_id, stats})` for each, and `onState("live" | "lost")`.
 * The browser connects again by itself.
 */
export function listen(onNews, onState) {
  const source = new EventSource("/_sandbox/stream");
  source.addEventListener("open", () => onState("live"));
  source.addEventListener("error", () => onState("lost"));
  source.addEventListener("events", (message) => onNews(JSON.parse(message.data)));
}

async function call(method, path, { body, signal, parse = JSON.parse } = {}) {
  const content =
    body === undefined ? {} : { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } };
  const response = await fetch(`/_sandbox/${path}`, { method, signal, ...content });
  const text = await response.text();
  const answer = text ? parse(text) : null;
  if (!response.ok) {
    throw new Refused(response.status, answer?.error?.message ?? `HTTP ${response.status}`);
  }
  return answer;
}
