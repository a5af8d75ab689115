// States of the recorded hub that single exchanges were recorded in: hosts, tasks and sessions, made by calls of the model.

import { type Meadow, makeTask } from "./hub-world.ts";

export type Prepare = (meadow: Meadow) => void;

export const ppc = "builder-ppc-01.meadowlark.test";
const tmp01 = "builder-tmp-01.meadowlark.test";
const tmp02 = "builder-tmp-02.meadowlark.test";
export const nothing: Prepare = () => {};

/** Hosts 6 and 7 of the recording; the second is what the recorded builder runs on. */
export const withTmp: Prepare = ({ hub }) => {
  hub.addHost(tmp01, { arches: "x86_64 i386", capacity: 8 });
  hub.addHost(tmp02, { arches: "s390x", comment: "third" });
};
export const inHeavyweight: Prepare = (meadow) => {
  withTmp(meadow);
  meadow.hub.as("toji-scaler").addHostToChannel(tmp01, "heavyweight");
};
export const task =
  (id: number, state: Parameters<typeof makeTask>[2]): Prepare =>
  (meadow) =>
    makeTask(meadow, id, state);

/** Task `id`, closed after it waited for children: `waiting` is false, not nil. */
export const closedParent =
  (id: number): Prepare =>
  (meadow) => {
    makeTask(meadow, id, "OPEN");
    const session = meadow.builder("builder-x86-02.meadowlark.test");
    session.taskSetWait(id, null);
    session.taskWaitResults(id, []);
    session.endTask(id, { value: null });
  };

/** A build (task 2) that waits for its SRPM task, as the recorded one. */
export const waitingBuild: Prepare = (meadow) => {
  closedParent(1)(meadow);
  const id = meadow.hub.as("basil-dev").build("git+https://git.meadowlark.test/rpms/adder.git#0a1b2c", "meadow1");
  meadow.hub.as("kojiadmin").assignTask(id, "builder-x86-01.meadowlark.test");
  const session = meadow.builder("builder-x86-01.meadowlark.test");
  session.openTask(id);
  session.setTaskWeight(id, 0.2);
  session.subtask({ method: "buildSRPMFromSCM", args: ["url", 2, {}], parent: id, label: "srpm", arch: "noarch" });
  session.taskSetWait(id, null);
};

/** Task `id` with a finished child, on host 7. */
export const family =
  (id: number): Prepare =>
  (meadow) => {
    for (let filler = 1; filler < id; filler++) makeTask(meadow, filler, "CANCELED");
    withTmp(meadow);
    const admin = meadow.hub.as("kojiadmin");
    const parent = admin.makeTask({ method: "newRepo", args: ["meadow1-build"], priority: 15 });
    admin.assignTask(parent, tmp02);
    const session = meadow.builder(tmp02);
    session.openTask(parent);
    const args = ["meadow-cloud", "1", "1", "aarch64"];
    const child = session.subtask({ method: "createImage", args, parent, label: "aarch64", arch: "aarch64" });
    session.taskSetWait(parent, [child]);
    admin.assignTask(child, tmp02);
    session.openTask(child);
    session.endTask(child, { value: null });
    session.taskWait(parent);
  };

/** Tasks of all kinds that listTasks showed: never opened, freed after it was open, child of a waiting build, assigned. */
export const queue: Prepare = (meadow) => {
  waitingBuild(meadow);
  makeTask(meadow, 4, "FREE");
  makeTask(meadow, 5, "ASSIGNED");
};

/** The recorded builder's session: exclusive, on host 7. */
export const asBuilder =
  (prepare: Prepare): Prepare =>
  (meadow) => {
    withTmp(meadow);
    prepare(meadow);
    meadow.call(12, "exclusiveSession", [true]);
  };
export const builderTask =
  (state: "ASSIGNED" | "OPEN"): Prepare =>
  (meadow) => {
    for (let filler = 1; filler < 10; filler++) makeTask(meadow, filler, "CANCELED");
    const admin = meadow.hub.as("kojiadmin");
    const id = admin.makeTask({ method: "sleep", args: [40], arch: "s390x" });
    admin.assignTask(id, tmp02);
    meadow.call(12, "exclusiveSession", [true]);
    if (state === "OPEN") meadow.call(12, "host.openTask", [id]);
  };
export const freedAfterOpen: Prepare = (meadow) => {
  withTmp(meadow);
  builderTask("OPEN")(meadow);
  meadow.call(12, "host.taskSetWait", [10, null]);
  meadow.call(12, "host.freeTasks", [[10]]);
};

export function checkIn(hub: Meadow["hub"], host: string): void {
  hub.connectBuilder(host).updateHost(0, true, { methods: ["build"], maxjobs: 10 });
}

/** Task 44: an image with the recorded kinds of parameters. */
export function liveImage(meadow: Meadow): void {
  makeTask(meadow, 43, "CANCELED");
  const [name, version, target, ksfile, type] = ["meadow-live", "1", "meadow1", "live.ks", "livemedia"];
  meadow.hub.as("pepper-dev").buildImage({ name, version, arches: ["x86_64"], target, ksfile, type });
}

export function checkedIn(prepare: Prepare): Prepare {
  return (meadow) => {
    prepare(meadow);
    meadow.call(12, "host.updateHost", [0, true]);
  };
}

export function withTmpAsRecorded(meadow: Meadow): void {
  withTmp(meadow);
  meadow.hub.as("toji-scaler").editHost(tmp02, { arches: "x 8 6 _ 6 4", comment: null });
}

export function leftDefault(meadow: Meadow): void {
  withTmp(meadow);
  meadow.hub.as("toji-scaler").removeHostFromChannel(tmp01, "default");
}

export function lockedOut(meadow: Meadow): void {
  withTmp(meadow);
  meadow.sessionOf(12);
  meadow.hub.connectBuilder(tmp02);
}

export function offline({ hub }: Meadow): void {
  hub.setOffline("database upgrade in progress, back at 14:00 UTC");
}
