// A hub model with the users, hosts, channels and tags of the recorded hub, and a way to send it recorded requests.

import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import * as z from "zod";
import {
  type BuilderSession,
  type ClientCertificate,
  createHub,
  type Hub,
  type HubAnswer,
} from "../../sandbox/world/hub/index.ts";
import type { TASK_STATE } from "../../shared/hub/index.ts";
import { readDocument } from "../../shared/hub/xmlrpc/document.ts";
import { encodeCall } from "../../shared/hub/xmlrpc/encode.ts";
import { isStruct, type XmlRpcValue } from "../../shared/hub/xmlrpc/values.ts";

const transcript = z.object({
  name: z.string(),
  meta: z.object({
    url: z.string(),
    http_method: z.string(),
    client_certificate_cn: z.string().nullish(),
    request_headers: z.record(z.string(), z.string()),
    http_status: z.number().nullable(),
    response_headers: z.record(z.string(), z.string()).optional(),
  }),
  request: z.string().optional(),
  response: z.string().nullable(),
});
export type Transcript = z.infer<typeof transcript>;

const file = new URL("../fixtures/koji-transcripts.jsonl.gz", import.meta.url);
const transcripts = new Map(
  gunzipSync(readFileSync(file))
    .toString()
    .trimEnd()
    .split("\n")
    .map((line) => transcript.parse(JSON.parse(line)))
    .map((one) => [one.name, one]),
);

export function transcriptOf(name: string): Transcript & { readonly request: string; readonly response: string } {
  const { request, response, ...rest } = transcripts.get(name) ?? transcript.parse({ name });
  if (request === undefined || response === null) throw new Error(`There is no whole transcript ${name}.`);
  return { ...rest, request, response };
}

export interface Meadow {
  readonly hub: Hub;
  readonly clock: { time: number; now(): number };
  /** A call in a session of the user (id as recorded), or anonymously. */
  call(userId: number | null, method: string, params?: readonly XmlRpcValue[]): HubAnswer;
  post(userId: number | null, body: string | Uint8Array, more?: PostOptions): HubAnswer;
  /** Credentials of the user's session; logged in at first use. */
  sessionOf(userId: number): { id: number; key: string; callnum: number };
  builder(hostName: string): BuilderSession;
}

export interface PostOptions {
  readonly path?: string;
  readonly method?: string;
  readonly headers?: { readonly [name: string]: string };
  readonly ssl?: ClientCertificate | null;
}

const USERS: readonly (readonly [string, readonly string[]])[] = [
  ["toji-scaler", ["host", "tag", "target"]],
  ["kojira", ["repo"]],
  ["pepper-dev", ["image", "livemedia"]],
  ["basil-dev", []],
];

export function createMeadow(): Meadow {
  const clock = { time: 1_795_353_200.5, now: () => clock.time };
  const hub = createHub({ clock, settings: { loginCreatesUser: false } });
  for (const [name, permissions] of USERS) hub.addUser(name, permissions);
  hub.addChannel("heavyweight", { description: "packages that take hours" });
  hub.addChannel("runroot");
  hub.addChannel("attic", { description: "retired", comment: "nothing lives here any more", enabled: false });
  hub.addTag("meadow1", { arches: null });
  hub.addTag("meadow1-build", {
    arches: "x86_64 i686 aarch64",
    extra: { "mock.package_manager": "dnf" },
    parents: ["meadow1"],
  });
  hub.addTag("meadow1-heavy-build", { arches: "x86_64", parents: ["meadow1-build"] });
  hub.addTag("meadow1-candidate", { arches: "" });
  hub.addTag("meadow1-armonly-build", { arches: "aarch64" });
  hub.addTarget("meadow1", "meadow1-build", "meadow1");
  hub.addTarget("meadow1-heavy", "meadow1-heavy-build", "meadow1-candidate");
  hub.addTarget("meadow1-armonly", "meadow1-armonly-build", "meadow1-candidate");
  const host = (name: string, arches: string, channels: readonly string[], description?: string) =>
    hub.addHost(`builder-${name}.meadowlark.test`, {
      arches,
      channels,
      capacity: 4,
      ...(description === undefined ? {} : { description }),
    });
  host("x86-01", "x86_64 i686", ["default", "createrepo"], "first x86 box");
  host("x86-02", "x86_64 i686", ["default", "heavyweight"]);
  host("arm-01", "aarch64", ["default", "createrepo"]);
  host("ppc-01", "ppc64le", ["default"], "borrowed machine");
  host("img-01", "x86_64 aarch64", ["livecd", "appliance", "image", "livemedia"]);
  const sessions = new Map<number, { id: number; key: string; callnum: number }>();

  const post = (userId: number | null, body: string | Uint8Array, more: PostOptions = {}): HubAnswer => {
    const session = userId === null ? null : sessionOf(userId);
    const headers = session === null ? {} : headersOf({ ...session, callnum: session.callnum++ });
    return hub.answer({
      method: more.method ?? "POST",
      url: more.path ?? "/kojihub",
      headers: { ...headers, ...more.headers },
      body,
      ssl: more.ssl ?? null,
    });
  };
  const sessionOf = (userId: number) => {
    const known = sessions.get(userId);
    if (known !== undefined) return known;
    const session = { ...logIn(hub, userName(hub, userId)), callnum: 0 };
    sessions.set(userId, session);
    return session;
  };
  return {
    hub,
    clock,
    post,
    sessionOf,
    call: (userId, method, params) => post(userId, encodeCall(method, params)),
    builder: (name) => hub.connectBuilder(name),
  };
}

function userName(hub: Hub, id: number): string {
  const host = hub.hosts().find((each) => each.user_id === id);
  const name = host?.name ?? ["kojiadmin", ...USERS.map(([user]) => user)][id - 1];
  if (name === undefined) throw new Error(`There is no user ${id}.`);
  return name;
}

export function logIn(hub: Hub, name: string): { id: number; key: string } {
  const answer = hub.answer({
    method: "POST",
    url: "/kojihub/ssllogin",
    headers: {},
    body: encodeCall("sslLogin", []),
    ssl: { verify: "SUCCESS", commonName: name },
  });
  const reply = resultOf(answer);
  if (!isStruct(reply)) throw new Error("no session");
  return { id: Number(reply["session-id"]), key: String(reply["session-key"]) };
}

export function headersOf(session: { id: number; key: string; callnum: number }): { [name: string]: string } {
  return {
    "koji-session-id": String(session.id),
    "koji-session-key": session.key,
    "koji-session-callnum": String(session.callnum),
  };
}

/** The value of an answer; throws when it is a fault. */
export function resultOf(answer: { readonly body: string }): XmlRpcValue {
  const { params, fault } = readDocument(answer.body, { exactDoubles: true });
  if (fault !== undefined) throw new Error(`fault ${JSON.stringify(fault)}`);
  return params?.[0] ?? null;
}

/** Makes tasks up to this id and leaves it in a state; those before are canceled fillers. */
export function makeTask({ hub, builder }: Meadow, id: number, state: keyof typeof TASK_STATE): number {
  const admin = hub.as("kojiadmin");
  for (;;) {
    const made = admin.makeTask({ method: "sleep", args: [60], arch: "x86_64", priority: 18, channel: "heavyweight" });
    if (made < id) {
      admin.cancelTask(made);
      continue;
    }
    if (state === "FREE") return made;
    if (state === "CANCELED") {
      admin.cancelTask(made);
      return made;
    }
    admin.assignTask(made, "builder-x86-02.meadowlark.test");
    if (state === "ASSIGNED") return made;
    const session = builder("builder-x86-02.meadowlark.test");
    session.openTask(made);
    if (state === "CLOSED") session.endTask(made, { value: null });
    if (state === "FAILED") session.endTask(made, { fault: { code: 1, text: "'target'" } });
    return made;
  }
}
