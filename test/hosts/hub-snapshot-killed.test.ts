// The order of snapshots, killed with SIGKILL at every line: the hub is thawed each time, and no order is sent twice.

import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { snapshotAnswer } from "../../shared/backup/host-answers.ts";
import type { Outcome } from "./commands.ts";
import { type Ec2, SNAPSHOTS, startEc2 } from "./hub-ec2.ts";
import { type Disk, type FileSystem, HUB, HubHost, noDisks, type Writer } from "./hub-host.ts";

const SCRIPT = join(HUB, "snapshot");

/** Counts the commands of each line, writes them down, and at one of them kills the whole process group. */
const TRACED = `
declare -A times
step() {
  [ "$BASH_SUBSHELL" -eq 0 ] || return 0
  times[$1]=$((\${times[$1]:-0} + 1))
  [ -z "$TRACE" ] || echo "$1 \${times[$1]}" >>"$TRACE"
  [ "$1 \${times[$1]}" != "$KILL_AT" ] || kill -9 -$$
}
set -T
trap 'step "$LINENO"' DEBUG
. "$SCRIPT"`;

interface Point {
  /** LINE TIMES */
  readonly at: string;
  /** From the first freeze on: what comes before it touches nothing but the ledger. */
  readonly isFrozen: boolean;
}

/** Every line; if `twice`, from the first freeze on also the last time that each is run: between, loops do the same. */
function pointsOf(trace: string, twice: boolean): readonly Point[] {
  const steps = trace.trimEnd().split("\n");
  const freezing = readFileSync(SCRIPT, "utf8")
    .split("\n")
    .findIndex((line) => line.includes('>>"$ledger/freezing"'));
  const firstFreeze = steps.indexOf(`${freezing + 1} 1`);
  const last = new Map(steps.map((at) => [at.split(" ")[0], at]));
  return steps.flatMap((at, index) => {
    const isFrozen = index >= firstFreeze;
    const isWanted = at.endsWith(" 1") || (twice && isFrozen && last.get(at.split(" ")[0]) === at);
    return isWanted ? [{ at, isFrozen }] : [];
  });
}

/** One volume, with tree and database under load, and EC2. */
class Scene {
  readonly host = new HubHost();
  readonly #disk: Disk;
  readonly writer: Writer;

  constructor(fileSystem: FileSystem) {
    this.#disk = this.host.addDisk("koji", fileSystem);
    this.writer = this.host.addWriter(1, this.#disk, this.host.addPostgres(this.#disk).create());
    writeFileSync(join(this.host.directory, "tracer"), TRACED);
  }

  environment(key: string, ec2: Ec2): Record<string, string> {
    return {
      TOJI_KEY: key,
      TOJI_MOUNTS: this.#disk.mount,
      TOJI_FREEZE_LIMIT: "2",
      TOJI_ACCEPT_CRASH: "no",
      TOJI_SNAPSHOT_URL: ec2.url(key),
    };
  }

  trace(key: string, ec2: Ec2, { file = "", killAt = "" }): Promise<Outcome> {
    const own = { SCRIPT, TRACE: file, KILL_AT: killAt };
    return this.host.start("bash", [join(this.host.directory, "tracer")], { ...this.environment(key, ec2), ...own });
  }

  async points(ec2: Ec2, twice: boolean): Promise<readonly Point[]> {
    const file = join(this.host.directory, "trace");
    const trace = () => {
      rmSync(file, { force: true });
      return this.trace("trace", ec2, { file });
    };
    expect(await inTime(trace)).toMatchObject({ exit: 0, stderr: "" });
    return pointsOf(readFileSync(file, "utf8"), twice);
  }
}

/**
 * Two seconds are little where others keep the machine busy: a run for which freezing takes too long sends nothing, says
 * so, and the next one tries again.
 */
async function inTime(run: () => Promise<Outcome>): Promise<Outcome> {
  for (let tries = 1; ; tries++) {
    const outcome = await run();
    const isLate = outcome.exit === 0 && outcome.lastLine.includes("Freezing took so long");
    if (!isLate || tries === 5) return outcome;
    expect(JSON.parse(outcome.lastLine)).toMatchObject({ outcome: "not-frozen", frozen: false, snapshots: [] });
  }
}

describe.skipIf(noDisks).concurrent(`snapshot, killed at every line${noDisks}`, () => {
  // Each line of the frozen time on both: once the timer thaws, once the next run does, which comes at once. The lines
  // before it are shared out.
  const cases: [FileSystem, string, number][] = [
    ["xfs", "systemd", 0],
    ["ext4", "a session of its own", 1],
  ];

  for (const [fileSystem, timer, share] of cases) {
    it(`thaws, and sends no second order, on ${fileSystem} by ${timer}`, { timeout: 400_000 }, async () => {
      const scene = new Scene(fileSystem);
      const { host, writer } = scene;
      if (timer === "systemd") host.bootSystemd();
      try {
        const ec2 = await startEc2(host, { milliseconds: 20 });
        await writer.progress();
        const all = await scene.points(ec2, share === 0);
        const points = all.filter(({ isFrozen }, index) => isFrozen || index % 2 === share);
        let longest = 0;
        for (const [index, { at, isFrozen }] of points.entries()) {
          const key = `killed-${at.replace(" ", "-")}`;
          expect(await inTime(() => scene.trace(key, ec2, { killAt: at })), at).toMatchObject({ exit: null });
          if (isFrozen && index % 2 === share) {
            const before = Date.now();
            await writer.progress();
            longest = Math.max(longest, Date.now() - before);
          }
          const sent = ec2.orders(key);
          const again = await inTime(() => host.run("snapshot", scene.environment(key, ec2)));
          expect(again, `${at}: ${again.stderr}`).toMatchObject({ exit: 0 });
          const answer = snapshotAnswer.parse(JSON.parse(again.lastLine));
          expect(ec2.orders(key), at).toBeLessThanOrEqual(1);
          if (answer.outcome === "answered") {
            const held = { frozen: true, thaw: "explicit", snapshots: SNAPSHOTS.slice(0, 1) };
            expect(answer, at).toMatchObject({ ...held, repeated: sent === 1 });
            expect(ec2.orders(key), at).toBe(1);
          } else {
            // Noted, and then sent or not: nobody can know, and so nobody sends it again.
            expect(answer, at).toMatchObject({ outcome: "unanswered", repeated: true, snapshots: [] });
          }
          await writer.progress();
        }
        console.info(`${fileSystem}: killed at ${points.length} points; the longest wait for a thaw: ${longest} ms`);
        expect(points.filter(({ isFrozen }) => isFrozen).length).toBeGreaterThan(30);
        expect(all.length).toBeGreaterThan(100);
      } finally {
        host.remove();
      }
    });
  }
});
