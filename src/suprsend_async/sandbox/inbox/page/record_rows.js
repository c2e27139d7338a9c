// The records of a kind that match a text, as far as they are loaded: newest first, page after page.

import { listRecords } from "./api.js";

const PAGE = 200; // records at once

export class RecordRows {
  rows = [];
  total = 0; // null if that was not counted
  hasTenants = false;
  #kind;
  #text = "";
  #cursor = null;
  #request = new AbortController();
  #loading = false;

  constructor(kind) {
    this.#kind = kind;
  }

  /** Whether there are older ones to load. */
  get hasMore() {
    return this.#cursor !== null;
  }

  /** Begin anew with what holds this text. */
  async load(text) {
    this.#request.abort();
    this.#request = new AbortController();
    this.#text = text;
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
      rows.push(...page.records);
      this.#cursor = page.next_cursor;
      this.#count(page);
      return true;
    } finally {
      this.#loading = false;
    }
  }

  /** Take the newest page as it is now: records are made, changed and deleted. What is older stays as it was loaded. */
  async refresh() {
    const page = await this.#fetch(null);
    const oldest = page.records.at(-1)?.id ?? 0;
    const overlaps = this.rows.length > 0 && this.rows[0].id >= oldest;
    if (page.next_cursor === null || !overlaps || this.rows.at(-1).id >= oldest) {
      this.#begin(page);
    } else {
      const first = this.rows.findIndex((row) => row.id < oldest);
      this.rows.splice(0, first, ...page.records);
      this.#count(page);
    }
  }

  #begin(page) {
    this.rows = page.records;
    this.#cursor = page.next_cursor;
    this.#count(page);
  }

  #count(page) {
    this.total = page.total ?? (this.hasMore ? null : this.rows.length);
    this.hasTenants ||= page.records.some((row) => row.tenant_id !== null);
  }

  #fetch(cursor) {
    return listRecords(this.#kind, this.#text, { cursor, limit: PAGE, signal: this.#request.signal });
  }
}

/** What the list shows of a record. */
export function presentRecord(record) {
  return {
    at: record.at,
    verdict: record.tone,
    text: record.status ?? "",
    name: record.name,
    who: record.who,
    tenant: record.tenant_id ?? "",
    about: record.about,
    isWhy: record.tone === "refused",
    marks: [],
  };
}
