// The entries that match the filters, as far as they are loaded: newest first, page after page, each bulk as one if wanted.

import { listEvents, listRequests } from "./api.js";

// As many as the sandbox gives at once.
const EVENTS = 500;
const REQUESTS = 100;

export class Entries {
  rows = [];
  total = 0;
  wholeRequests = 0; // of the total, those that are no events
  hasTenants = false;
  #filters = {};
  #bulksAsOne = false;
  #cursor = null;
  #request = new AbortController();
  #loading = false;

  /** Whether there are older ones to load. */
  get hasMore() {
    return this.#cursor !== null;
  }

  get newestId() {
    return this.rows.length ? this.rows[0].id : 0;
  }

  /** Begin anew with these filters. */
  async load(filters, bulksAsOne) {
    this.#request.abort();
    this.#request = new AbortController();
    this.#filters = filters;
    this.#bulksAsOne = bulksAsOne;
    this.#loading = false;
    const page = await this.#fetch(null);
    this.hasTenants = false;
    this.#begin(page);
  }

  /** Load the next older page, unless that is under way. */
  async more() {
    if (!this.hasMore || this.#loading) {
      return false;
    }
    this.#loading = true;
    const { rows } = this;
    try {
      const page = await this.#fetch(this.#cursor);
      if (rows !== this.rows) {
        return false; // begun anew meanwhile
      }
      rows.push(...page.rows);
      this.#cursor = page.next_cursor;
      this.#count(page);
      return true;
    } finally {
      this.#loading = false;
    }
  }

  /** Put what is new in front; begin anew if that is more than a page. */
  async refresh() {
    const page = await this.#fetch(null);
    const known = page.rows.findIndex((row) => row.id <= this.newestId);
    if (known < 0) {
      this.#begin(page);
    } else {
      this.rows.unshift(...page.rows.slice(0, known));
      this.#count(page);
    }
  }

  #begin(page) {
    this.rows = page.rows;
    this.#cursor = page.next_cursor;
    this.#count(page);
  }

  #count(page) {
    this.total = page.total;
    this.wholeRequests = page.whole_requests;
    this.hasTenants ||= page.rows.some((row) => row.tenant_id !== null);
  }

  async #fetch(cursor) {
    const { signal } = this.#request;
    if (this.#bulksAsOne) {
      const page = await listRequests(this.#filters, { cursor, limit: REQUESTS, signal });
      return { ...page, rows: page.requests.map(asRow) };
    }
    const page = await listEvents(this.#filters, { cursor, limit: EVENTS, signal });
    return { ...page, rows: page.events };
  }
}

/** A request as a row: the one event in it, or an example of several with the bulk that it stands for. */
function asRow({ example, ...bulk }) {
  return bulk.records > 1 ? { ...example, tenant_id: null, bulk } : example;
}
