// What a row shows of an event, of a request that was refused as a whole, or of a bulk as one.

import { bulkName, summary } from "./bulk_detail.js";
import { eventTitle } from "./event_detail.js";
import { status } from "./format.js";

/** What the list shows of an entry. */
export function presentEntry(entry) {
  const shown = entry.bulk ? ofBulk(entry) : ofEntry(entry);
  return {
    ...shown,
    at: entry.received_at,
    tenant: entry.tenant_id ?? "",
    about: entry.reason ?? shown.preview,
    isWhy: entry.reason !== null,
    marks: [...(entry.records === 0 ? ["whole"] : []), ...(entry.records > 1 && !entry.bulk ? ["of-bulk"] : [])],
  };
}

function ofEntry(entry) {
  return {
    verdict: entry.verdict,
    text: `${entry.verdict} ${status(entry.status_code)}`,
    name: eventTitle(entry),
    who: entry.distinct_id ?? "",
    preview: (entry.records && entry.preview) || "",
  };
}

function ofBulk({ bulk, ...example }) {
  return {
    ...summary(bulk),
    name: bulkName(bulk, example),
    who: "",
    preview: example.preview ?? "",
  };
}
