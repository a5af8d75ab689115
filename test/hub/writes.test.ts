// The writes: they are those that the hub accepted in the recordings, and repeating one is no error.

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { HubFault, HubOffline } from "../../shared/hub/faults.ts";
import { connectWithCertificate, type HubWriter } from "../../shared/hub/session.ts";
import {
  addHost,
  addHostToChannel,
  disableHost,
  editHost,
  enableHost,
  freeTask,
  type HubWrite,
  removeHostFromChannel,
  write,
  writeAll,
} from "../../shared/hub/writes.ts";
import { decodeResponse } from "../../shared/hub/xmlrpc/decode.ts";
import { encodeCall } from "../../shared/hub/xmlrpc/encode.ts";
import { instantClock, loseReply, TestHub } from "./hub-server.ts";
import { certificate } from "./scene.ts";
import { transcriptOf } from "./transcripts.ts";

const HOST = "builder-tmp-01.meadowlark.test";
let hub: TestHub;
let writer: HubWriter;

beforeEach(async () => {
  hub = await TestHub.start();
  writer = connectWithCertificate({ url: hub.url, clock: instantClock(), certificate });
});
afterEach(async () => {
  await writer.close();
  await hub.stop();
});

const ACCEPTED: [string, HubWrite][] = [
  ["addHost", addHost(HOST, ["x86_64", "i386"])],
  ["editHost", editHost(HOST, { capacity: 8, description: "i-0abc123def (spot)", comment: "toji" })],
  ["editHost-no-change", editHost(HOST, { capacity: 8 })],
  ["editHost-fix-i386", editHost("builder-x86-01.meadowlark.test", { arches: "x86_64 i386" })],
  ["enableHost", enableHost(HOST)],
  ["disableHost", disableHost(HOST)],
  ["addHostToChannel", addHostToChannel(HOST, "heavyweight")],
  ["removeHostFromChannel", removeHostFromChannel(HOST, "default")],
  ["freeTask-assigned", freeTask(33)],
];
const ALREADY: [string, HubWrite][] = [
  ["addHost-duplicate", addHost(HOST, ["x86_64"])],
  ["addHostToChannel-twice", addHostToChannel(HOST, "heavyweight")],
  ["removeHostFromChannel-not-member", removeHostFromChannel(HOST, "default")],
  ["freeTask-already-free", freeTask(35)],
];
const REFUSED: [string, HubWrite][] = [
  ["addHost-name-is-a-user", addHost("basil-dev", ["x86_64"])],
  ["disableHost-unknown", disableHost("builder-zzz.meadowlark.test")],
  ["addHostToChannel-unknown-channel", addHostToChannel(HOST, "nonesuch")],
  ["editHost-capacity-too-low", editHost(HOST, { capacity: 1 })],
  ["freeTask-missing", freeTask(999_999)],
  ["freeTask-canceled", freeTask(34)],
];

/** Lets the hub answer each call as it did when it was recorded. */
function playRecordings(recordings: readonly (readonly [string, HubWrite])[]): void {
  const answers = new Map(recordings.map(([name, { call }]) => [JSON.stringify([call.method, call.params]), name]));
  hub.perform = (method, params) =>
    decodeResponse(transcriptOf(answers.get(JSON.stringify([method, params])) ?? "").response);
}

// One was recorded with a whole number, which is not how capacities are sent here.
const ALIKE = [...ACCEPTED, ...ALREADY, ...REFUSED].filter(([name]) => name !== "editHost-capacity-too-low");
it.each(ALIKE)("the call of %s is that of the recording, byte for byte", (name, { call }) => {
  expect(encodeCall(call.method, call.params)).toBe(transcriptOf(name).request);
});

describe("a write", () => {
  it.each(ACCEPTED)("that the hub accepts (%s) is done", async (name, one) => {
    playRecordings([[name, one]]);
    expect(await write(writer, one)).toBe("done");
  });

  it.each(ALREADY)("of what is already so (%s) says that", async (name, one) => {
    playRecordings([[name, one]]);
    expect(await write(writer, one)).toBe("already");
  });

  it.each(REFUSED)("that the hub refuses (%s) throws the fault", async (name, one) => {
    hub.perform = () => decodeResponse(transcriptOf(name).response);
    await expect(write(writer, one)).rejects.toThrow(HubFault);
  });

  it("whose reply was lost is done, once", async () => {
    hub.ahead.push(undefined, loseReply);
    expect(await write(writer, enableHost(HOST))).toBe("done");
    expect(hub.commits).toHaveLength(1);
  });

  it("of something else that is already so is a refusal, not a success", () => {
    const other = new HubFault(1000, "host already exists: another.meadowlark.test");
    expect(addHost(HOST, []).already(other)).toBe(false);
    expect(freeTask(3).already(new HubFault(1000, "No such task: 35"))).toBe(false);
    expect(freeTask(35).already(new HubFault(1004, "No such task: 35"))).toBe(false);
    expect(enableHost(HOST).already(other)).toBe(false);
  });
});

describe("many writes", () => {
  it("are one call, with an outcome for each", async () => {
    const recordings = [...ACCEPTED.slice(0, 2), ...ALREADY.slice(1), ...REFUSED.slice(0, 1)];
    playRecordings(recordings);
    const outcomes = await writeAll(
      writer,
      recordings.map(([, one]) => one),
    );
    expect(outcomes).toEqual(["done", "done", "already", "already", "already", expect.any(HubFault)]);
    expect(hub.exchanges).toHaveLength(2);
    expect(await writeAll(writer, [])).toEqual([]);
  });

  it("whose reply was lost were done, but nobody saw how each went", async () => {
    hub.ahead.push(undefined, loseReply);
    expect(await writeAll(writer, [enableHost("a"), enableHost("b")])).toEqual(["unseen", "unseen"]);
    expect(hub.commits).toEqual(["enableHost(a)", "enableHost(b)"]);
  });

  it("are all refused by a hub that is offline", async () => {
    hub.offline = "server is offline";
    await expect(writeAll(writer, [enableHost("a")])).rejects.toThrow(HubOffline);
    await expect(write(writer, enableHost("a"))).rejects.toThrow(HubOffline);
  });
});
