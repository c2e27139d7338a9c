// The entries that match the filters, as far as they are loaded: newest first, page after page.

import { listEvents } from "./api.js";

const PAGE = 500; // as many as the sandbox gives at once

export class Entries {
  rows = [];
  total = 0;
  #filters = {};
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
  async load(filters) {
    this.#request.abort();
    this.#request = new AbortController();
    this.#filters = filters;
    this.#loading = false;
    const page = await this.#fetch(null);
    this.rows = page.events;
    this.#cursor = page.next_cursor;
    this.total = page.total;
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
      rows.push(...page.events);
      this.#cursor = page.next_cursor;
      return true;
    } finally {
      this.#loading = false;
    }
  }

  /** Put what is new in front; begin anew if that is more than a page. */
  async refresh() {
    const page = await this.#fetch(null);
    const known = page.events.findIndex((entry) => entry.id <= this.newestId);
    if (known < 0) {
      this.rows = page.events;
      this.#cursor = page.next_cursor;
    } else {
      this.rows.unshift(...page.events.slice(0, known));
    }
    this.total = page.total;
  }

  #fetch(cursor) {
    return listEvents(this.#filters, { cursor, limit: PAGE, signal: this.#request.signal });
  }
}
