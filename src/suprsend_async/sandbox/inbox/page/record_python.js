// What "copy as Python" and "copy as test" write of a record. Pure functions: a detail in, Python source out.

import { isObject, parseExactly } from "./json.js";
import { Call, eventCall, given, identifier, literal, Source, trackedCall } from "./python.js";

const STEP = "    ";
const BY_CLIENT = "suprsend_sandbox.blocking_client()";
const KEYWORDS = ["email", "sms", "whatsapp"]; // channels with a parameter of their own
const NAMED = 10; // members of a list in a test
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
      [
        assertion("user", [
          ["", data.distinct_id],
          ...addressed(data.channels),
          ...(filled(data.properties) ? [["properties=", data.properties]] : []),
        ]),
      ],
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
    call: ({ data: { source: _, is_readonly: __, members, members_count: number, ...list } }) =>
      [
        literal(new Call("client.subscriber_lists.create", [["", present(list)]])),
        ...(members.length ? [literal(new Call("client.subscriber_lists.add", [["", list.list_id], ["", members]]))] : []),
        ...(Number(number) > members.length ? [`# the first ${members.length} of ${number} members`] : []),
      ].join("\n"),
    test: ({ data }) => [
      `list_${data.list_id}`,
      [assertion("in_list", [["", data.list_id], ...data.members.slice(0, NAMED).map((each) => ["", each])])],
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
      [
        assertion("triggered", [
          ["", data.workflow ?? data.name],
          ...given("recipient", idOf((data.recipients ?? data.users)[0])),
          ...(filled(data.data) ? [["data=", data.data]] : []),
          ...given("tenant_id", data.tenant_id),
        ]),
      ],
    ],
  },
  definitions: {
    call: ({ data: { slug, ...definition } }) =>
      literal(new Call("sandbox.put_workflow", [["", slug], ...keywords(definition)])),
    test: ({ data: { slug, ...definition } }) => [
      `${slug}_is_defined`,
      [`assert suprsend_sandbox.sandbox.workflows.get(${literal(slug)}) == ${inside(definition)}`],
    ],
  },
  broadcasts: {
    call: ({ data }) => sending("client.subscriber_lists.broadcast", "SubscriberListBroadcast", data),
    test: ({ data }) => [`${data.template}_is_broadcast`, broadcastExpected(data)],
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
          ...given("failure_reason", data.failure_reason),
        ]),
      ),
    test: ({ data }) => [
      `message_to_${recipient(data)}`,
      [
        assertion("message", [
          ["", recipient(data)],
          ["channel=", data.channel],
          ...given("workflow", (data.workflow ?? data.template)?.slug),
          ["status=", data.status],
          ...(isObject(data.content) ? [["content=", data.content]] : []),
        ]),
      ],
    ],
  },
  deliveries: {
    call: ({ data: { of, body } }) => STARTS[of].call(body),
    test: ({ data, facts }) => [
      `${data.workflow}_is_delivered`,
      [
        ...STARTS[data.of].test(data.body),
        ...waited(data, facts),
        ...(data.messages.length ? [assertion("message", [["workflow=", data.workflow]])] : []),
      ],
    ],
  },
  webhooks: {
    // The change of the message is what makes one.
    call: ({ data }) => literal(new Call("sandbox.move_message", [["", data.message_id], ["", data.status]])),
    test: ({ data: { body, status } }) => [
      `message_is_${status}`,
      [
        assertion("message", [
          ...(body.distinct_id ? [["", body.distinct_id]] : []),
          ["channel=", body.channel],
          ["status=", status],
        ]),
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
const keywords = (values) => Object.entries(values).map(([name, value]) => [`${name}=`, value]);
const filled = (value) => value !== null && value !== undefined && Object.keys(value).length > 0;
const present = (value) => Object.fromEntries(Object.entries(value).filter(([, item]) => item !== null && item !== ""));
const idOf = (person) => (typeof person === "string" ? person : (person?.distinct_id ?? person?.id));
const recipient = (message) => message.recipient?.distinct_id ?? message.recipient?.id ?? "";

/** Channels and properties as an upsert takes them: only the addresses that are in use. */
function payload({ properties, channels }) {
  const addresses = Object.entries(channels).map(([key, entries]) => [
    key,
    entries.filter((entry) => entry.status === "active").map((entry) => entry.value),
  ]);
  return { ...Object.fromEntries(addresses.filter(([, values]) => values.length)), ...properties };
}

/** Active addresses, one of each channel, as the assertion about a user takes them. */
function addressed(channels) {
  const active = Object.entries(channels)
    .map(([key, entries]) => [key.slice(1), entries.find((entry) => entry.status === "active")?.value])
    .filter(([, value]) => value !== undefined);
  const others = active.filter(([channel]) => !KEYWORDS.includes(channel));
  return [
    ...active.filter(([channel]) => KEYWORDS.includes(channel)).map(([channel, value]) => [`${channel}=`, value]),
    ...(others.length ? [["channels=", Object.fromEntries(others)]] : []),
  ];
}

/** A line with an assertion of the fixture. */
const assertion = (name, parameters) => literal(new Call(`suprsend_sandbox.assert_${name}`, parameters), STEP);

/** Lines that fetch something by a client. */
const fetched = (name, call, ids) => [
  `with ${BY_CLIENT} as client:`,
  `${STEP}${name} = ${literal(new Call(call, ids.map((id) => ["", id])), STEP + STEP)}`,
];

/** By what starts a workflow: the call that does it, and lines that expect it. */
const STARTS = {
  event: {
    call: (body) => literal(new Call("client.track_event", [["", eventCall(body)]])),
    test: (body) => [literal(trackedCall(body), STEP)],
  },
  trigger: {
    call: (body) => WRITERS.workflows.call({ data: body }),
    test: (body) => WRITERS.workflows.test({ data: body })[1],
  },
  broadcast: {
    call: (body) => WRITERS.broadcasts.call({ data: body }),
    test: (body) => WRITERS.broadcasts.test({ data: body })[1],
  },
};

/** A line that lets the delay pass, if there is one. */
function waited({ due_at: due }, facts) {
  const received = facts.find(({ name }) => name === "received").at;
  const seconds = Math.ceil(Number(due) - Number(received));
  return seconds > 0 ? [`suprsend_sandbox.advance(seconds=${seconds})`] : [];
}

const holds = (name, { properties }) => [`assert ${name}.properties == ${inside(properties)}`];

const sending = (call, request, body) => literal(new Call(call, [["", new Call(request, [["body=", body]])]]));

/** Lines that look for a broadcast, by the fields that say which one it is. */
function broadcastExpected(data) {
  const keys = ["template", "list_id", "data", "tenant_id"].filter((key) => key in data);
  return [
    `expected = ${inside(Object.fromEntries(keys.map((key) => [key, data[key]])))}`,
    "found = [{key: each.get(key) for key in expected} for each in suprsend_sandbox.sandbox.broadcasts]",
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
