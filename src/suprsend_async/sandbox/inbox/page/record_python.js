// What "copy as Python" and "copy as test" write of a record. Pure functions: a detail in, Python source out.

import { parseExactly } from "./json.js";
import { Call, given, identifier, literal, Source } from "./python.js";

const STEP = "    ";
const BY_CLIENT = "suprsend_sandbox.blocking_client()";
const UNTIL_TEST = `${STEP}...  # call what does it; a client made there reaches this test's sandbox`;

/** The call that makes this record again. */
export const asPython = (found) => WRITERS[found.kind].call(found);

/** A test that expects this record of the code under test. */
export function asTest(found) {
  const [name, lines] = WRITERS[found.kind].test(found);
  const body = lines.map((line) => `${STEP}${line}\n`).join("");
  return `def test_${identifier(name)}(suprsend_env, suprsend_sandbox):\n${UNTIL_TEST}\n\n${body}`;
}

const WRITERS = {
  users: {
    call: ({ data }) => literal(new Call("client.users.upsert", [["", data.distinct_id], ["", payload(data)]])),
    test: ({ data }) => [
      `user_${data.distinct_id}`,
      [...fetched("user", "client.users.get", [data.distinct_id]), ...holds("user", data)],
    ],
  },
  objects: {
    call: ({ data }) =>
      literal(new Call("client.objects.upsert", [["", data.object_type], ["", data.id], ["", payload(data)]])),
    test: ({ data }) => [
      `${data.object_type}_${data.id}`,
      [...fetched("found", "client.objects.get", [data.object_type, data.id]), ...holds("found", data)],
    ],
  },
  tenants: {
    call: ({ data: { tenant_id: id, name, ...settings } }) =>
      literal(new Call("client.tenants.upsert", [["", id], ["", { tenant_name: name, ...present(settings) }]])),
    test: ({ data }) => [
      `tenant_${data.tenant_id}`,
      [
        ...fetched("tenant", "client.tenants.get", [data.tenant_id]),
        `assert tenant.tenant_name == ${inside(data.name)}`,
        ...(filled(data.properties) ? [`assert tenant.properties == ${inside(data.properties)}`] : []),
      ],
    ],
  },
  lists: {
    call: ({ data: { source: _, is_readonly: __, ...list } }) =>
      literal(new Call("client.subscriber_lists.create", [["", present(list)]])),
    test: ({ data }) => [
      `list_${data.list_id}`,
      [
        ...fetched("found", "client.subscriber_lists.get", [data.list_id]),
        `assert found.list_name == ${inside(data.list_name)}`,
      ],
    ],
  },
  workflows: {
    // Of the older triggers that bring their own template there is no call of a client.
    call: ({ data }) =>
      "workflow" in data
        ? sending("client.workflows.trigger", "WorkflowTriggerRequest", data)
        : literal(new Call("httpx.post", [["", new Source('f"{sandbox.url}{sandbox.workspace_key}/trigger/"')], ...asking(data)])),
    test: ({ data }) => [
      `${data.workflow ?? data.name}_is_triggered`,
      expectedOf("trigger", "triggers", "workflow" in data ? ["workflow", "recipients"] : ["name", "users"], data),
    ],
  },
  broadcasts: {
    call: ({ data }) => sending("client.subscriber_lists.broadcast", "SubscriberListBroadcast", data),
    test: ({ data }) => [
      `${data.template}_is_broadcast`,
      expectedOf("broadcast", "broadcasts", ["template", "list_id"], data),
    ],
  },
  messages: {
    call: ({ data }) =>
      literal(
        new Call("sandbox.add_message", [
          ["", recipient(data)],
          ["status=", data.status],
          ["channel=", data.channel],
          ...given("category", data.category),
          ...given("tenant_id", data.tenant_id),
          ...given("workflow", data.workflow?.slug),
          ...given("template", data.template?.slug),
          ...given("content", data.content),
        ]),
      ),
    test: ({ data }) => [
      `message_to_${recipient(data)}`,
      [
        ...fetched("page", "client.messages.list", [], [
          ["recipient_id=", recipient(data)],
          ["channel=", data.channel],
          ...given("workflow_slug", data.workflow?.slug),
        ]),
        `assert ${inside(data.status)} in [message.status for message in page.results]`,
      ],
    ],
  },
  requests: {
    call: (found) => literal(request(found)),
    test: (found) => [
      `${found.data.method}_${found.data.target}`,
      [
        "sandbox = suprsend_sandbox.sandbox",
        `response = ${literal(request(found), STEP)}`,
        `assert response.status_code == ${inside(found.data.status_code)}`,
      ],
    ],
  },
};

const inside = (value) => literal(value, STEP);
const filled = (value) => value !== null && value !== undefined && Object.keys(value).length > 0;
const present = (value) => Object.fromEntries(Object.entries(value).filter(([, item]) => item !== null && item !== ""));
const recipient = (message) => message.recipient?.distinct_id ?? message.recipient?.id ?? "";

/** Channels and properties as an upsert takes them: only the addresses that are in use. */
function payload({ properties, channels }) {
  const addresses = Object.entries(channels).map(([key, entries]) => [
    key,
    entries.filter((entry) => entry.status === "active").map((entry) => entry.value),
  ]);
  return { ...Object.fromEntries(addresses.filter(([, values]) => values.length)), ...properties };
}

/** Lines that fetch something by a client. */
const fetched = (name, call, ids, more = []) => [
  `with ${BY_CLIENT} as client:`,
  `${STEP}${name} = ${literal(new Call(call, [...ids.map((id) => ["", id]), ...more]), STEP + STEP)}`,
];

const holds = (name, { properties }) => [`assert ${name}.properties == ${inside(properties)}`];

const sending = (call, request, body) => literal(new Call(call, [["", new Call(request, [["body=", body]])]]));

/** Lines that look for what was accepted, by the fields that say which one it is. */
function expectedOf(name, property, keys, data) {
  const wanted = Object.fromEntries([...keys, "data", "tenant_id"].filter((key) => key in data).map((key) => [key, data[key]]));
  return [
    `expected = ${inside(wanted)}`,
    `found = [{key: ${name}.get(key) for key in expected} for ${name} in suprsend_sandbox.sandbox.${property}]`,
    "assert expected in found",
  ];
}

const KEY = '{"Authorization": f"Bearer {sandbox.api_key}"}';
const asking = (body) => [["headers=", new Source(KEY)], ["json=", body]];

/** The request once more, by whoever has the sandbox's key. */
function request({ data, request: { body, body_left_out: rest } }) {
  const path = literal(data.target.replace(/^\//, ""));
  return new Call("httpx.request", [
    ["", data.method],
    ["", new Source(`sandbox.url + ${path}`)],
    ["headers=", new Source(KEY)],
    // Of a long body only the beginning is there.
    ...(body === "" || rest > 0 ? [] : [content(body)]),
  ]);
}

function content(body) {
  try {
    return ["json=", parseExactly(body)];
  } catch {
    return ["content=", body];
  }
}
