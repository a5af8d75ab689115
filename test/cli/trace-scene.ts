// A hub on a socket with a short history of builds, and a folder for what is exported from it.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type HistoryRow, readHistory } from "../../sandbox/replay/history/format.ts";
import { startHubServer } from "../../sandbox/server/hub.ts";
import { createHub, type Hub } from "../../sandbox/world/hub/index.ts";

export const START = 1_700_000_000;

export type TraceScene = Awaited<ReturnType<typeof openTraceScene>>;

/** 13 tasks: three builds with their three children, and a build that waits. */
export async function openTraceScene() {
  const folder = mkdtempSync(join(tmpdir(), "toji-trace-"));
  /** The hub's; stands still. */
  const clock = { time: START, now: () => clock.time, sleep: async () => {} };
  const hub = createHub({ clock });
  hub.addUser("packager");
  hub.addTag("el9-build", { arches: "x86_64 aarch64" });
  hub.addTag("el9");
  hub.addTarget("el9", "el9-build", "el9");
  hub.addTarget("unused", "el9-build", "el9");
  hub.addHost("builder-01", { arches: "x86_64 aarch64", capacity: 20 });
  playBuilds(hub, clock, 3);
  const server = await startHubServer({ hub, clock });
  let files = 0;
  return {
    hub,
    clock,
    url: server.url,
    freshFile() {
      files += 1;
      return join(folder, `history-${files}.jsonl.gz`);
    },
    async close() {
      await server.close();
      rmSync(folder, { recursive: true });
    },
  };
}

/** Builds of one package, a minute apart, and then one that still waits. */
function playBuilds(hub: Hub, clock: { time: number }, count: number): void {
  const session = hub.connectBuilder("builder-01");
  const admin = hub.as("kojiadmin");
  const run = (id: number, seconds: number) => {
    admin.assignTask(id, "builder-01", { override: true });
    session.openTask(id);
    clock.time += seconds;
    session.endTask(id, { value: "done" });
  };
  for (let build = 0; build < count; build++) {
    clock.time += 60.25;
    const scratch = build === 1;
    const parent = hub.as("packager").build("git+https://host/rpms/foo.git#1", "el9", { opts: { scratch } });
    clock.time += 20;
    admin.assignTask(parent, "builder-01", { override: true });
    session.openTask(parent);
    const child = (method: string, label: string, arch: string) => {
      clock.time += 2;
      return session.subtask({ method, args: ["foo-1-1.src.rpm", 1, arch], parent, label, arch, channel: "default" });
    };
    run(child("buildSRPMFromSCM", "srpm", "noarch"), 50);
    run(child("buildArch", "x86_64", "x86_64"), 300);
    run(child("tagBuild", "tag", "noarch"), 5);
    clock.time += 3;
    session.endTask(parent, { value: "done" });
  }
  hub.as("packager").build("foo-1-1.src.rpm", "gone");
  clock.time += 10;
}

export async function readWhole(path: string) {
  const { header, rows } = await readHistory(path);
  const taken: HistoryRow[] = [];
  for await (const each of rows) taken.push(each);
  return { header, rows: taken };
}
