// The grade of a set: the best only when every condition is proved, and each one that is not is a sentence.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { gradeSet, type SetEvidence } from "../../shared/backup/grade.ts";
import type { SnapshotAnswer, SurveyAnswer } from "../../shared/backup/host-answers.ts";
import type { Member, MemberState } from "../../shared/backup/types.ts";

const FROZEN = 1_795_435_200;

const member = (volume: string, more: Partial<Member> = {}): Member => ({
  snapshot: `snap-${volume.slice(4)}`,
  volume,
  region: "eu-west-1",
  state: "completed",
  sizeGiB: 100,
  holds: "/mnt/koji",
  progress: "100%",
  startedAt: FROZEN + 0.4,
  encrypted: true,
  tags: {},
  ...more,
});

const answer = (more: Partial<SnapshotAnswer> = {}): SnapshotAnswer => ({
  outcome: "answered",
  checkpoint: true,
  frozen: true,
  frozenAt: FROZEN,
  thawedAt: FROZEN + 1,
  milliseconds: 1000,
  thaw: "explicit",
  snapshots: ["0a", "0b", "0c"].map((id) => ({ snapshot: `snap-${id}`, volume: `vol-${id}` })),
  error: null,
  repeated: false,
  ...more,
});

const surveyed = (more: Partial<SurveyAnswer> = {}): SurveyAnswer => {
  const mount = (path: string, serials: string[]) => {
    const rest = { device: "/dev/nvme1n1", filesystem: "xfs", options: "rw,noatime", sizeBytes: 1, usedBytes: 1 };
    return { mount: path, serials, ...rest };
  };
  return {
    hostname: "koji",
    hubVersion: "1.35.3",
    postgresVersion: "15.18",
    database: { name: "koji", bytes: 1, dataDirectory: "/var/lib/pgsql/data", mount: "/var/lib/pgsql" },
    schema: {},
    mounts: [mount("/mnt/koji", ["vol0b"]), mount("/var/lib/pgsql", ["vol0c"])],
    ...more,
  };
};

const whole: SetEvidence = {
  snapshot: answer(),
  pause: { paused: ["kojira.service"], idle: [], busy: [] },
  survey: surveyed(),
  members: [member("vol-0a", { holds: "boot" }), member("vol-0b"), member("vol-0c", { holds: "/var/lib/pgsql" })],
  volumes: ["vol-0a", "vol-0b", "vol-0c"],
  mounts: ["/mnt/koji", "/var/lib/pgsql"],
  acceptCrashConsistent: false,
  late: true,
};
const graded = (change: Partial<SetEvidence>) => gradeSet({ ...whole, ...change });
const but = (id: string, more: Partial<Member>) =>
  whole.members.map((each) => (each.snapshot === id ? { ...each, ...more } : each));

describe("gradeSet", () => {
  it("gives the best grade when all is proved", () => {
    expect(gradeSet(whole)).toEqual({ grade: "application", state: "unverified", notes: [], instant: FROZEN });
  });

  it("accepts one volume for tree and database", () => {
    const survey = surveyed({
      database: { name: "koji", bytes: 1, dataDirectory: "/mnt/koji/pgsql", mount: "/mnt/koji" },
    });
    const one = { members: [member("vol-0b")], volumes: ["vol-0b"], mounts: ["/mnt/koji"], survey };
    const snapshot = answer({ snapshots: [{ snapshot: "snap-0b", volume: "vol-0b" }] });
    expect(graded({ ...one, snapshot }).grade).toBe("application");
  });

  it.each<[string, Partial<SetEvidence>, RegExp]>([
    ["the hub's answer was lost", { snapshot: null }, /answer never came/],
    [
      "nothing was frozen",
      { snapshot: answer({ frozen: false, error: "fsfreeze: EBUSY" }) },
      /not frozen: fsfreeze: EBUSY/,
    ],
    ["there was no checkpoint", { snapshot: answer({ checkpoint: false }) }, /no checkpoint/],
    ["the timer thawed", { snapshot: answer({ thaw: "timer" }) }, /timer thawed/],
    ["the thaw is not told", { snapshot: answer({ thaw: "none" }) }, /no thaw/],
    ["deleters were perhaps at work", { pause: null }, /nothing proves that deleters were paused/],
    [
      "a deleter was at work",
      { pause: { paused: [], idle: [], busy: ["koji-gc.service"] } },
      /during the freeze: koji-gc.service/,
    ],
    ["the survey is missing", { survey: null }, /which volumes the mounts lie on/],
    [
      "a mount is missing in the survey",
      { survey: surveyed({ mounts: surveyed().mounts.slice(0, 1) }) },
      /which volume \/var\/lib\/pgsql lies on/,
    ],
    [
      "the database lies elsewhere",
      { survey: surveyed({ database: { ...surveyed().database, mount: "/" } }) },
      /PostgreSQL's data lies on \/, which is not frozen/,
    ],
    [
      "the lost order came after the thaw",
      { snapshot: answer({ outcome: "unanswered", snapshots: [], thawedAt: FROZEN + 0.2 }) },
      /do not lie between freeze and thaw/,
    ],
    [
      "the hub sent no order",
      { snapshot: answer({ outcome: "refused", snapshots: [] }) },
      /"refused", yet there are snapshots/,
    ],
  ])("is crash when %s, and the site decides whether that will do", (_, change, note) => {
    const strict = graded(change);
    expect(strict).toMatchObject({ grade: "crash", state: "degraded" });
    expect(strict.notes).toHaveLength(1);
    expect(strict.notes[0]).toMatch(note);
    expect(graded({ ...change, acceptCrashConsistent: true })).toMatchObject({ grade: "crash", state: "unverified" });
  });

  it.each<[string, Partial<SetEvidence>, RegExp]>([
    ["a volume has no snapshot", { members: whole.members.slice(0, 2), snapshot: null }, /no snapshot of vol-0c/],
    ["a snapshot failed", { members: but("snap-0b", { state: "error" }) }, /snap-0b of vol-0b is in state error/],
    [
      "a snapshot is late",
      { members: but("snap-0b", { state: "pending", progress: "42%" }) },
      /late: still pending at 42%/,
    ],
    [
      "the order was doubled",
      { members: [...whole.members, member("vol-0b", { snapshot: "snap-9" })], snapshot: null },
      /vol-0b has 2 snapshots \(snap-0b, snap-9\): the order was doubled/,
    ],
    [
      "a stranger carries its tag",
      { members: [...whole.members, member("vol-0d")], snapshot: null },
      /the order was not for that volume/,
    ],
    [
      "a member is of another order",
      { members: but("snap-0b", { snapshot: "snap-9" }) },
      /snap-9: not of the order the hub sent/,
    ],
    [
      "EC2 promised more",
      { members: whole.members.slice(0, 2), volumes: ["vol-0a", "vol-0b"] },
      /promised snap-0c and does not show it/,
    ],
    ["its members began apart", { members: but("snap-0b", { startedAt: FROZEN + 60 }) }, /began 60 s apart/],
    [
      "a mount lies on a volume that is not in it",
      { survey: surveyed({ mounts: surveyed().mounts.map((each) => ({ ...each, serials: ["vol0b", "vol0z"] })) }) },
      /\/mnt\/koji lies on vol-0z, which is not in the set/,
    ],
  ])("is torn when %s, whatever the site accepts", (_, change, note) => {
    const { grade, state, notes } = graded({ ...change, acceptCrashConsistent: true });
    expect({ grade, state }).toEqual({ grade: "torn", state: "degraded" });
    expect(notes.join("; ")).toMatch(note);
  });

  it("takes a lost answer for good when EC2's start times lie between freeze and thaw", () => {
    expect(graded({ snapshot: answer({ outcome: "unanswered", snapshots: [] }) }).grade).toBe("application");
  });

  it("has failed when there is no snapshot at all", () => {
    const snapshot = answer({ outcome: "refused", snapshots: [], error: "EC2 said UnauthorizedOperation" });
    expect(graded({ members: [], snapshot })).toEqual({
      grade: "torn",
      state: "failed",
      notes: ["no snapshot was taken: EC2 said UnauthorizedOperation"],
      instant: null,
    });
    expect(graded({ members: [], snapshot: null }).notes).toEqual(["no snapshot was taken: the hub gave no answer"]);
  });

  it("waits for snapshots that have time left", () => {
    const { state, notes } = graded({ members: but("snap-0b", { state: "pending" }), late: false });
    expect({ state, notes }).toEqual({ state: "pending", notes: ["no grade yet: 1 of 3 snapshots are not complete"] });
  });

  it("counts the set's age from the freeze, and from EC2's start when the hub's clock is wrong or nothing froze", () => {
    expect(graded({}).instant).toBe(FROZEN);
    expect(graded({ snapshot: null }).instant).toBe(FROZEN + 0.4);
    const wrong = graded({ snapshot: answer({ frozenAt: FROZEN - 7200, thawedAt: FROZEN - 7199 }) });
    expect(wrong).toMatchObject({ grade: "application", instant: FROZEN + 0.4 });
    expect(wrong.notes).toEqual(["the hub's clock is 7200 s off EC2's: the instant is EC2's"]);
  });
});

const some = <T>(...values: T[]) => fc.constantFrom(...values);
const STATES: MemberState[] = ["pending", "error", "recoverable", "recovering", "missing"];
const mostly = <T>(good: T, ...bad: T[]) => fc.oneof({ weight: 8, arbitrary: fc.constant(good) }, some(...bad));
const anyEvidence: fc.Arbitrary<SetEvidence> = fc.record({
  snapshot: fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        outcome: mostly<SnapshotAnswer["outcome"]>("answered", "unanswered", "refused", "not-frozen"),
        checkpoint: mostly(true, false),
        frozen: mostly(true, false),
        frozenAt: mostly<number | null>(FROZEN, null, FROZEN - 10, FROZEN + 10, 0),
        thawedAt: mostly<number | null>(FROZEN + 1, null, FROZEN),
        milliseconds: fc.constant(1000),
        thaw: mostly<SnapshotAnswer["thaw"]>("explicit", "timer", "none"),
        snapshots: mostly(answer().snapshots, [], answer().snapshots.slice(1)),
        error: mostly<string | null>(null, "why"),
        repeated: fc.boolean(),
      }),
    },
    fc.constant(null),
  ),
  pause: mostly(whole.pause, null, { paused: [], idle: [], busy: ["kojira.service"] }),
  survey: mostly(whole.survey, null, surveyed({ mounts: [] })),
  members: fc
    .tuple(
      fc.subarray([...whole.members], { minLength: 0 }),
      mostly<Partial<Member>>({}, ...STATES.map((state) => ({ state })), { startedAt: FROZEN + 99 }),
    )
    .chain(([few, harm]) =>
      some(
        whole.members,
        few,
        whole.members.map((each, index) => (index === 1 ? { ...each, ...harm } : each)),
      ),
    ),
  volumes: mostly(whole.volumes, ["vol-0a", "vol-0b"], [...whole.volumes, "vol-0d"]),
  mounts: fc.constant(whole.mounts),
  acceptCrashConsistent: fc.boolean(),
  late: fc.boolean(),
});

describe("a grade", () => {
  it("is application only if all evidence is there", () => {
    fc.assert(
      fc.property(anyEvidence, (evidence) => {
        const { grade, state } = gradeSet(evidence);
        if (grade !== "application") return;
        const { snapshot, pause, survey, members, volumes, mounts } = evidence;
        expect(state).toBe("unverified");
        expect(snapshot).toMatchObject({ checkpoint: true, frozen: true, thaw: "explicit" });
        expect(pause?.busy).toEqual([]);
        expect(members.map(({ volume }) => volume).toSorted()).toEqual(volumes.toSorted());
        expect(members.every((each) => each.state === "completed")).toBe(true);
        const below = survey?.mounts.filter((each) => mounts.includes(each.mount)) ?? [];
        expect(below.map(({ mount }) => mount).toSorted()).toEqual(mounts.toSorted());
        for (const serial of below.flatMap(({ serials }) => serials))
          expect(volumes).toContain(serial.replace("vol", "vol-"));
      }),
      { numRuns: 2000 },
    );
  });

  it("below application always says why, and torn is never accepted", () => {
    fc.assert(
      fc.property(anyEvidence, (evidence) => {
        const { grade, state, notes, instant } = gradeSet(evidence);
        if (grade !== "application") expect(notes).not.toEqual([]);
        if (grade === "torn") expect(["degraded", "failed", "pending"]).toContain(state);
        if (grade === "crash") expect(state).toBe(evidence.acceptCrashConsistent ? "unverified" : "degraded");
        expect(instant === null).toBe(evidence.members.length === 0);
        for (const note of notes) expect(note).toMatch(/\w+ \w+/);
      }),
      { numRuns: 2000 },
    );
  });

  it("comes in all three kinds here: the properties are not about nothing", () => {
    const grades = fc.sample(anyEvidence, { numRuns: 500, seed: 5 }).map((evidence) => gradeSet(evidence).grade);
    expect([...new Set(grades)].toSorted()).toEqual(["application", "crash", "torn"]);
  });
});
