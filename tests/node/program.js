// The released Node SDK, each thing once; prints what each came to as one object of JSON.
const { Suprsend, Event, WorkflowTriggerRequest } = require("@suprsend/node-sdk");

const environment = process.env;
const client = new Suprsend(environment.SUPRSEND_WORKSPACE_KEY, environment.SUPRSEND_WORKSPACE_SECRET, {
  base_url: environment.SUPRSEND_BASE_URL,
});

async function main() {
  const results = {};
  results.track = await client.track_event(
    new Event("user-1", "order_placed", { amount: 10, name: "Zoë 日本" }, { idempotency_key: "order-41", tenant_id: "acme" })
  );
  const bulk = client.bulk_events.new_instance();
  for (let number = 0; number < 250; number++) {
    bulk.append(new Event(`user-${number}`, "weekly", { number }));
  }
  results.bulk = await bulk.trigger();
  results.trigger = await client.workflows.trigger(
    new WorkflowTriggerRequest(
      { workflow: "order-shipped", recipients: [{ distinct_id: "user-1" }], data: { order: 41 } },
      { idempotency_key: "order-41-shipped" }
    )
  );
  results.upsert = await client.users.upsert("user 1/ä", { $email: ["ada@example.com"], plan: "pro" });
  results.get = await client.users.get("user 1/ä");
  results.create = await client.subscriber_lists.create({ list_id: "beta", list_name: "Beta testers" });
  results.add = await client.subscriber_lists.add("beta", ["user-1", "user-2"]);
  console.log(JSON.stringify(results));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
