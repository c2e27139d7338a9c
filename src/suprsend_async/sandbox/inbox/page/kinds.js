// The kinds of records: what they are called, which columns their lists have, and how to make the first one.

const CLIENT = `from suprsend_async import Suprsend

with Suprsend() as client:
    `;

/**
 * By kind: the page's title, one of it, the names of the columns (none for a column that is left out), and Python that
 * makes one. A kind that stands beside another one is no page of its own: both have `side`, what each is called there.
 */
export const KINDS = {
  messages: {
    title: "Messages",
    noun: "message",
    columns: { status: "Status", name: "Workflow", who: "Recipient, channel", about: "Text, or why not" },
    example: `with Sandbox() as sandbox:
    sandbox.add_message("user-1", channel="email", content={"subject": "Hello"})
`,
  },
  deliveries: {
    title: "Deliveries",
    noun: "delivery",
    columns: { status: "Messages", name: "Workflow", who: "Started by", about: "What was skipped" },
    example: `with Sandbox() as sandbox, sandbox.blocking_client() as client:
    sandbox.put_workflow("welcome", inbox={"body": "Hello {{ recipient.name }}"})
    client.users.upsert("user-1", {"name": "Ada"})
    client.track_event(Event("user-1", "welcome"))
`,
  },
  webhooks: {
    title: "Webhooks",
    noun: "webhook",
    columns: { status: "Posted", name: "The message is", who: "Recipient, channel", about: "Answer" },
    example: `with Sandbox(webhook="http://127.0.0.1:8000/suprsend/webhooks") as sandbox:
    message_id = sandbox.add_message("user-1", status="triggered", channel="email")
    sandbox.move_message(message_id, "delivered")
`,
  },
  workflows: {
    title: "Workflows",
    side: "Triggers",
    noun: "trigger",
    columns: { status: "Status", name: "Workflow", who: "Recipients", about: "Data" },
    example: `${CLIENT}client.workflows.trigger(WorkflowTriggerRequest("order-shipped", ["user-1"], {"order": 41}))
`,
  },
  definitions: {
    title: "Definitions",
    side: "Definitions",
    beside: "workflows",
    noun: "definition",
    columns: { name: "Event or workflow", who: "Channels", about: "Category, delay, templates" },
    texts: "Templates",
    example: `with Sandbox() as sandbox:
    sandbox.put_workflow("order-shipped", delay="10m", email={"subject": "Hello {{ recipient.name }}", "body": "…"})
`,
  },
  users: {
    title: "Users",
    noun: "user",
    columns: { name: "distinct_id", about: "Channels and properties" },
    example: `${CLIENT}client.users.upsert("user-1", {"$email": ["ada@example.com"], "plan": "pro"})
`,
  },
  lists: {
    title: "Lists",
    noun: "list",
    columns: { name: "list_id", who: "Members", about: "Name and description" },
    example: `${CLIENT}client.subscriber_lists.create({"list_id": "beta-users"})
`,
  },
  broadcasts: {
    title: "Broadcasts",
    noun: "broadcast",
    columns: { status: "Status", name: "Template", who: "List", about: "Data" },
    example: `${CLIENT}client.subscriber_lists.broadcast(SubscriberListBroadcast("beta-users", "news", "promotional"))
`,
  },
  objects: {
    title: "Objects",
    noun: "object",
    columns: { name: "id", who: "object_type", about: "Channels and properties" },
    example: `${CLIENT}client.objects.upsert("team", "team-1", {"name": "Kitchen"})
`,
  },
  tenants: {
    title: "Tenants",
    noun: "tenant",
    columns: { name: "tenant_id", about: "Settings" },
    example: `${CLIENT}client.tenants.upsert("acme", {"tenant_name": "Acme"})
`,
  },
  requests: {
    title: "Requests",
    noun: "request",
    columns: { status: "Answer", name: "Request", who: "Took", about: "Body, or why not" },
    example: `${CLIENT}client.users.list()
`,
  },
};

/** The kinds that share a page with this one, itself among them: their names and what they are called there. */
export function sidesOf(kind) {
  const page = pageOf(kind);
  return Object.entries(KINDS)
    .filter(([name, { side }]) => side !== undefined && pageOf(name) === page)
    .map(([name, { side }]) => [name, side]);
}

/** The kind under which the page stands among the pages. */
export const pageOf = (kind) => KINDS[kind]?.beside ?? kind;

/** Where the records of a kind are shown. */
export const addressOfKind = (kind) => `/_sandbox/pages/${kind}`;

/** Where a record is shown. */
export const addressOf = ({ kind, id }) => `${addressOfKind(kind)}#open=${id}`;

/** Where an event is shown. */
export const addressOfEvent = (id) => `/?event=${id}`;
