// `npm run bench:freeze`: how long the hub stands still for a backup, with an API call of 800 ms; the bar is 2 s. Root only.

import { snapshotAnswer } from "../../shared/backup/host-answers.ts";
import { startEc2 } from "../hosts/hub-ec2.ts";
import { type FileSystem, HubHost, noDisks } from "../hosts/hub-host.ts";

const ROUNDS = 5;
const BAR_MILLISECONDS = 2000;

/** Milliseconds that writers stood still, one for each round. */
async function measure(fileSystems: readonly FileSystem[]): Promise<number[]> {
  const host = new HubHost();
  try {
    const disks = fileSystems.map((fileSystem, index) => host.addDisk(`disk${index}`, fileSystem));
    const [tree] = disks;
    const database = disks.at(-1);
    if (tree === undefined || database === undefined) throw new Error("name at least one file system");
    const postgres = host.addPostgres(database).create();
    const writers = [1, 2, 3].map((number) => host.addWriter(number, tree, postgres));
    const ec2 = await startEc2(host);
    const windows: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      await Promise.all(writers.map((writer) => writer.progress()));
      const outcome = await host.run("snapshot", {
        TOJI_KEY: `round-${round}`,
        TOJI_MOUNTS: disks.map((disk) => disk.mount).join(" "),
        TOJI_FREEZE_LIMIT: "20",
        TOJI_ACCEPT_CRASH: "no",
        TOJI_SNAPSHOT_URL: ec2.url(`round-${round}`),
      });
      const { milliseconds, error } = snapshotAnswer.parse(JSON.parse(outcome.lastLine));
      if (milliseconds === null) throw new Error(error ?? outcome.stderr);
      windows.push(milliseconds);
    }
    return windows.sort((a, b) => a - b);
  } finally {
    host.remove();
  }
}

if (noDisks !== "") {
  console.error(`bench:freeze: not measured${noDisks}`);
  process.exit(1);
}

const scenes: [string, FileSystem[]][] = [
  ["one volume, xfs", ["xfs"]],
  ["one volume, ext4", ["ext4"]],
  ["tree on ext4, database on xfs", ["ext4", "xfs"]],
];
let worst = 0;
for (const [name, fileSystems] of scenes) {
  const windows = await measure(fileSystems);
  const longest = windows.at(-1) ?? 0;
  worst = Math.max(worst, longest);
  console.log(`${name}: median ${windows[Math.floor(windows.length / 2)]} ms, longest ${longest} ms of ${ROUNDS}`);
}
console.log(`freeze window ${worst} ms at most, of which the API call takes 800 ms; the bar is ${BAR_MILLISECONDS} ms`);
process.exitCode = worst < BAR_MILLISECONDS ? 0 : 1;
