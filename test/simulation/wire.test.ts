// The wire that writes no documents gives what the documents would have given.

import { beforeEach, describe, expect, it } from "vitest";
import { VirtualClock } from "../../sandbox/world/clock.ts";
import { createHub, type Hub } from "../../sandbox/world/hub/index.ts";
import { openModelWire, type WireMishap } from "../../sandbox/world/hub/wire.ts";
import { startKojid } from "../../sandbox/world/kojid.ts";
import { Random } from "../../sandbox/world/random.ts";
import type { Clock } from "../../shared/clock.ts";
import {
  connectAnonymously,
  connectWithCertificate,
  type HubCall,
  HubFault,
  HubWriteAlreadyDone,
  type HubWriter,
} from "../../shared/hub/index.ts";
import { named } from "../../shared/hub/xmlrpc/encode.ts";
import { XmlRpcDouble, type XmlRpcValue } from "../../shared/hub/xmlrpc/values.ts";
import { LOGIN_CERTIFICATE } from "./site.ts";
import { simulatedWork } from "./workload.ts";

const URL_OF_HUB = "https://hub.test/kojihub";
const NOW = 1_795_000_000;

/** Reads and writes as Toji makes them, with refusals among them. */
const CALLS: readonly HubCall[] = [
  { method: "listChannels" },
  { method: "listHosts" },
  { method: "listHosts", params: named([], { channelID: 1 }) },
  { method: "listTasks", params: [{ state: [0, 1, 4], decode: true }] },
  { method: "scheduler.getHostData" },
  { method: "scheduler.getTaskRuns" },
  { method: "scheduler.getTaskRefusals", params: [[["soft", true]]] },
  { method: "repo.queryQueue", params: [[["active", "IS", true]]] },
  { method: "getHost", params: ["b-01"] },
  { method: "getHost", params: ["nobody"] },
  { method: "getBuildConfig", params: ["plain-build"] },
  { method: "getBuildConfig", params: ["no such tag"] },
  { method: "getAverageBuildDuration", params: ["candlepin"] },
  { method: "getAverageBuildDuration", params: ["never built"] },
  { method: "echo", params: [1, 1.5, -0, 2 ** 40, 2n ** 62n, "é & <x>", null, true, new XmlRpcDouble(2), [[], {}]] },
  { method: "addHost", params: ["b-02", ["x86_64", "i386"]] },
  { method: "addHost", params: ["b-02", ["x86_64"]] },
  { method: "editHost", params: named(["b-02"], { capacity: new XmlRpcDouble(4), arches: "x86_64" }) },
  { method: "editHost", params: named(["b-02"], { capacity: new XmlRpcDouble(1) }) },
  { method: "disableHost", params: ["b-02"] },
  { method: "enableHost", params: ["nobody"] },
  { method: "addHostToChannel", params: ["b-02", "livemedia"] },
  { method: "freeTask", params: [1] },
  { method: "noSuchCall" },
];

async function makeHub(): Promise<Hub> {
  const clock = new VirtualClock(NOW);
  const hub = createHub({ clock });
  hub.addUser("toji", ["host", "admin"]);
  hub.addUser("packager", ["repo"]);
  hub.addTag("plain-build", { arches: "x86_64" });
  hub.addTag("plain");
  hub.addTarget("plain", "plain-build", "plain");
  hub.setPackageSeconds("candlepin", 600);
  hub.addHost("b-01", { arches: "x86_64", capacity: 2 });
  startKojid({ hub, clock, work: simulatedWork(new Random(1)), hostName: "b-01" });
  for (const name of ["candlepin", "rubygem-rails"])
    hub.as("packager").build(`git+https://git.test/rpms/${name}#1`, "plain");
  await clock.runUntil(NOW + 100.25);
  return hub;
}

const still: Clock = { now: () => NOW, sleep: async () => {} };

async function open(encoding: "values" | "xml", mishap?: () => WireMishap | null) {
  const hub = await makeHub();
  const clock = new VirtualClock(NOW);
  const openWire = openModelWire({
    hub,
    clock: { sleep: async () => {}, after: (seconds, fn) => clock.after(seconds, fn) },
    encoding,
    commonNameOf: (certificate) => (certificate === LOGIN_CERTIFICATE ? "toji" : null),
    ...(mishap === undefined ? {} : { mishap }),
  });
  const connection = { url: URL_OF_HUB, clock: still, retries: 1, openWire };
  return {
    hub,
    writer: connectWithCertificate({ ...connection, certificate: LOGIN_CERTIFICATE }),
    reader: connectAnonymously(connection),
  };
}

/** A value, or the fault as it is told. */
async function outcomeOf(writer: HubWriter, { method, params = [] }: HubCall): Promise<XmlRpcValue> {
  try {
    return await writer.call(method, params);
  } catch (error) {
    if (error instanceof HubFault) return { fault: error.code, text: error.faultString, sentence: error.message };
    throw error;
  }
}

describe("the model's wire", () => {
  let sides: readonly Awaited<ReturnType<typeof open>>[];
  beforeEach(async () => {
    sides = [await open("values"), await open("xml")];
  });

  it("answers each call alike with and without documents", async () => {
    for (const call of CALLS) {
      const [values, xml] = await Promise.all(sides.map(({ writer }) => outcomeOf(writer, call)));
      expect({ [call.method]: values }).toStrictEqual({ [call.method]: xml });
    }
  });

  it("answers a multiCall with refused members alike, and keeps what the others did", async () => {
    const [values, xml] = await Promise.all(sides.map(({ writer }) => writer.multiCall(CALLS)));
    expect(values).toStrictEqual(xml);
    expect(values?.filter((outcome) => !outcome.ok)).toHaveLength(5);
    for (const { hub } of sides) expect(hub.host("b-02").enabled).toBe(false);
  });

  it("gives version and clock with each answer", async () => {
    for (const { reader } of sides) {
      await reader.call("listChannels");
      expect(reader.version).toBe("1.35.3");
      // The header has whole seconds.
      expect(Math.abs(reader.clockAhead - 100)).toBeLessThanOrEqual(1);
    }
  });

  it("hands out copies", async () => {
    const [{ hub, reader } = await open("values")] = sides;
    const before = await reader.call("listHosts");
    hub.as("kojiadmin").disableHost("b-01");
    expect(JSON.stringify(before)).toContain('"enabled":true');
  });

  it.each(["values", "xml"] as const)("logs in again when the hub has ended the session (%s)", async (encoding) => {
    const { hub, writer } = await open(encoding);
    await writer.call("disableHost", ["b-01"]);
    expect(hub.endSessions("toji")).toBe(1);
    await writer.call("enableHost", ["b-01"]);
    expect(hub.host("b-01").enabled).toBe(true);
  });

  it("refuses a login without an accepted certificate", async () => {
    const openWire = openModelWire({
      hub: await makeHub(),
      clock: new VirtualClock(NOW),
      encoding: "values",
      commonNameOf: () => null,
    });
    const stranger = connectWithCertificate({
      url: URL_OF_HUB,
      clock: still,
      openWire,
      certificate: LOGIN_CERTIFICATE,
    });
    await expect(stranger.call("disableHost", ["b-01"])).rejects.toThrow(/could not verify client/);
  });
});

/** The last try of a write whose first reply was lost tells what became of it. */
describe("a reply lost after commit", () => {
  it.each(["values", "xml"] as const)(
    "ends in HubWriteAlreadyDone once the retry gets through (%s)",
    async (encoding) => {
      let tries = 0;
      const { writer } = await open(encoding, () => {
        tries += 1;
        // The login, then the write's first try.
        return tries === 2 ? { kind: "reset", applied: true } : null;
      });
      await expect(writer.call("disableHost", ["b-01"])).rejects.toBeInstanceOf(HubWriteAlreadyDone);
    },
  );
});
