// The sandbox's HTTP interface under /_sandbox/.

import { parseExactly } from "./json.js";

/** The sandbox's answer says no; the message is its own. */
export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** Entries that match the filters, newest first: {events, next_cursor, total, whole_requests}. */
export const listEvents = (filters, page) => list("events", filters, page);

/** Requests with entries that match, newest first: {requests, next_cursor, total, whole_requests}. */
export const listRequests = (filters, page) => list("requests", filters, page);

/** One entry with its event, whose numbers are exactly as they came. */
export const getEvent = (id, signal) => call("GET", `events/${id}`, { signal, parse: parseExactly });

/** One request with its answer and what became of its records. */
export const getRequest = (id, signal) => call("GET", `requests/${id}`, { signal });

/** Records of a kind that match a text, newest first: {records, next_cursor, total}. */
export const listRecords = (kind, q, page) => list(`kinds/${kind}`, { q }, page);

/** One record with all that is known of it; its numbers are exactly as they came. */
export const getRecord = (kind, id, signal) => call("GET", `kinds/${kind}/${id}`, { signal, parse: parseExactly });

/** The records that belong to one, newest first. */
export const listPart = (kind, id, part, page) => list(`kinds/${kind}/${id}/${part}`, {}, page);

/** What a text is found in: events and records of all kinds. */
export const searchAll = async (q, signal) => {
  const query = new URLSearchParams({ q });
  return (await call("GET", `search?${query}`, { signal })).found;
};

/** Let a message go on to a status, or fail for a reason. */
export const moveMessage = (id, status, reason) =>
  call("POST", `messages/${encodeURIComponent(id)}/status`, { body: { status, reason } });

/** Post a webhook once more. */
export const replayWebhook = (id) => call("POST", `webhooks/${id}/replay`);

export const clearEvents = () => call("DELETE", "events");
export const getEnvironment = () => call("GET", "environment");
export const listFaults = async () => (await call("GET", "faults")).faults;
export const addFault = (fault) => call("POST", "faults", { body: fault });
export const removeFault = (id) => call("DELETE", `faults/${id}`);
export const clearFaults = () => call("DELETE", "faults");

function list(what, filters, { cursor = null, limit, signal }) {
  const query = new URLSearchParams({ limit });
  for (const [name, value] of Object.entries({ ...filters, cursor })) {
    if (value) {
      query.set(name, value);
    }
  }
  return call("GET", `${what}?${query}`, { signal });
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
