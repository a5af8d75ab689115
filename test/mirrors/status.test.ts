// What the last run leaves for people, what one run looks at, and when an address may be forgotten.

import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../sandbox/world/clock.ts";
import { S3Model } from "../../sandbox/world/s3.ts";
import type { AwsClients } from "../../shared/aws/clients.ts";
import { openStore } from "../../shared/aws/store.ts";
import { measure } from "../../shared/mirrors/measure.ts";
import { planLooks } from "../../shared/mirrors/plan-looks.ts";
import { retirementOf } from "../../shared/mirrors/retirements.ts";
import { MirrorStateUnreadable } from "../../shared/mirrors/states.ts";
import { readMirrorStatus, statusOf, writeMirrorStatus } from "../../shared/mirrors/status.ts";
import type { SurveyFile } from "../../shared/mirrors/survey-file.ts";
import { fitAnswer } from "../../shared/mirrors/survey-step.ts";
import {
  ARCHES,
  CANDIDATE,
  CURRENT,
  configOf,
  factsOf,
  lookOf,
  missing,
  NOW,
  switchOf,
  unfit,
  urlOf,
} from "./action-facts.ts";

const survey: SurveyFile = {
  ...factsOf().survey,
  run: "check-7",
  local: [],
  sentences: ["a survey's own"],
  digests: [],
};

function openBucket() {
  const s3 = new S3Model({ clock: new VirtualClock(NOW), buckets: ["b"] });
  const send = ((command: object) => s3.send(command)) as AwsClients["s3"]["send"];
  return openStore({ s3: { send }, presignGet: async () => "" }, "b");
}

const status = () =>
  statusOf({
    survey,
    looks: [
      unfit(2, {
        checks: [
          { name: "records", ok: false, detail: "primary: its sha256 differs" },
          { name: "fetch", ok: true, detail: "" },
        ],
        live: missing(["a-build"]),
      }),
      lookOf({ arch: "aarch64", at: NOW - 900 }),
    ],
    switches: [switchOf({ notes: ["begun", "ended"] })],
    sentences: ["said"],
    machines: { check: "arn:check", switch: null },
    hubAdmin: false,
    now: NOW,
  });

describe("the status", () => {
  it("says of each repo who uses it, what its looks found and how its last switch stands", () => {
    expect(status()).toMatchObject({
      ...{ at: NOW, run: "check-7", hubAdmin: false, machines: { check: "arn:check", switch: null } },
      repos: [
        {
          ...{ name: "base", url: CURRENT, local: null, uses: ["a-build", "b-build"] },
          looks: [
            {
              arch: "x86_64",
              verdict: "tampered",
              bad: 2,
              fresh: true,
              failing: [{ name: "records", detail: "primary: its sha256 differs" }],
              live: { total: 10, missing: 1 },
            },
            { arch: "aarch64", verdict: "ok", fresh: false, failing: [], live: null },
          ],
          switch: { id: "switch-1", state: "done", note: "ended" },
        },
      ],
      sentences: ["a survey's own", "said"],
    });
  });

  it("comes back from the bucket as it was written", async () => {
    const store = openBucket();
    expect(await readMirrorStatus(store)).toBeNull();
    await writeMirrorStatus(store, status());
    expect(await readMirrorStatus(store)).toEqual(status());
  });

  it.each(["no JSON", "{}", '{"at":"yesterday"}'])("that is not one is told as that: %s", async (content) => {
    const store = openBucket();
    await store.put("mirrors/status.json", content);
    await expect(readMirrorStatus(store)).rejects.toBeInstanceOf(MirrorStateUnreadable);
  });
});

describe("what a run looks at", () => {
  const current = survey.looks.filter(({ role }) => role === "current");
  const looks = current.map((look) => ({ ...look, role: "current" as const }));
  const plan = (
    config = configOf({ failover: true }),
    switches = [switchOf({ retiring: ["https://gone.example.org/$arch/"] })],
  ) => planLooks({ repos: survey.repos, looks }, config, switches).map(({ url, role }) => `${role} ${url}`);

  it("is what the hub has, what it had and READY repos still have, and the candidates, each for each arch", () => {
    expect(plan()).toEqual([
      ...ARCHES.map((arch) => `current ${urlOf(CURRENT, arch)}`),
      ...ARCHES.map((arch) => `retiring https://gone.example.org/${arch}/`),
      ...ARCHES.map((arch) => `candidate ${urlOf(CANDIDATE, arch)}`),
    ]);
  });

  it("is no address twice: not what the hub has as a candidate, nor a candidate that is being left", () => {
    expect(plan(configOf({ failover: true }, [CURRENT.slice(0, -1)]), [])).toHaveLength(2);
    const left = plan(configOf({ failover: true }), [switchOf({ retiring: [CANDIDATE] })]);
    expect(left.filter((each) => each.includes("other.example.org"))).toEqual(
      ARCHES.map((arch) => `retiring ${urlOf(CANDIDATE, arch)}`),
    );
  });

  it("is nothing of a repo that is to be ignored", () => {
    const config = configOf({ failover: true });
    const ignored = { repos: config.repos.map((repo) => ({ ...repo, ignore: true })) };
    expect(planLooks({ repos: survey.repos, looks: [] }, ignored, [switchOf({ retiring: [CANDIDATE] })])).toEqual([]);
  });
});

describe("the answer of the survey", () => {
  const live = Array.from({ length: 2000 }, (_, id) => ({ id, tag: "a-build", arch: "x86_64" }));
  const looks = survey.looks;

  it("is whole while it is small", () => {
    const answer = { run: "r", looks, live: live.slice(0, 10) };
    expect(fitAnswer(answer)).toEqual({ answer, sentences: [] });
  });

  it("leaves READY repos for the next run before it leaves out a look, and says so", () => {
    const fitted = fitAnswer({ run: "r", looks, live });
    expect(fitted.answer.looks).toEqual(looks);
    expect(fitted.answer.live).toEqual(live.slice(0, 400));
    expect(fitted.sentences).toEqual(["1600 READY repos could not be read in this run: the next ones go on."]);
  });

  it("stays below what a machine's state may be, whatever there is", () => {
    const many = Array.from({ length: 5000 }, (_, index) => ({
      repo: `repo-${index}`,
      arch: "x86_64",
      url: CURRENT,
      role: "current" as const,
    }));
    const { answer, sentences } = fitAnswer({ run: "r", looks: many, live });
    expect(Buffer.byteLength(JSON.stringify(answer))).toBeLessThan(210 * 1024);
    expect(answer.looks.length).toBeGreaterThan(1000);
    expect(answer.looks).toEqual(many.slice(0, answer.looks.length));
    expect(sentences.join(" ")).toContain(`${5000 - answer.looks.length} of 5000 looks do not fit`);
  });
});

describe("an address that was left", () => {
  const ready = ARCHES.map((arch) => ({ id: 5, tag: "a-build", arch }));
  const digests = (base: string) => ready.map((each) => ({ ...each, bases: [urlOf(base, each.arch)], seenAt: NOW }));
  const left = ["base", CANDIDATE] as const;

  it("is needed while a READY repo takes rpms from there, for any arch", () => {
    const [first, second] = [digests(CURRENT)[0], digests(CANDIDATE)[1]].filter((each) => each !== undefined);
    const found = retirementOf(
      ...left,
      { ready, digests: [first, second].filter((each) => each !== undefined) },
      { looks: [] },
    );
    expect(found).toEqual({ isOver: false, sentence: expect.stringContaining("1 READY repo still takes") });
  });

  it("may be needed while a READY repo could not be read", () => {
    expect(retirementOf(...left, { ready, digests: digests(CURRENT).slice(1) }, survey).isOver).toBe(false);
  });

  it("is forgotten when none does, and when it is in use again", () => {
    expect(retirementOf(...left, { ready, digests: digests(CURRENT) }, survey).isOver).toBe(true);
    const back = { ready, digests: digests(CURRENT) };
    expect(retirementOf("base", CURRENT, back, survey).isOver).toBe(true);
  });
});

describe("the numbers of a run", () => {
  it("count every verdict, the failed looks, and what nothing vouches for", () => {
    const given: string[] = [];
    const metric = (name: string, _unit: string, value: number, dimensions: Readonly<Record<string, string>> = {}) =>
      void given.push([name, ...Object.values(dimensions), value].join(" "));
    const repos = survey.repos.map((repo) => ({ ...repo, url: "http://base.example.org/9/$arch/" }));
    const looks = [
      lookOf({ lagSeconds: 60 }),
      lookOf({ arch: "aarch64", url: urlOf(CURRENT, "aarch64"), lagSeconds: 90, verdict: "lagging" }),
    ];
    measure(
      { metric },
      { survey: { ...survey, repos }, looks, config: configOf({ failover: false }), regenerations: 2, switches: 0 },
    );
    expect(given).toEqual([
      "MirrorVerdicts ok 1",
      "MirrorVerdicts lagging 1",
      ...["partial", "rolled_back", "tampered", "moved", "unreachable"].map((verdict) => `MirrorVerdicts ${verdict} 0`),
      "MirrorLagSeconds base 90",
      "MirrorLatencySeconds base 0.02",
      "MirrorBytes 2000",
      "LiveMissing 0",
      "MirrorsUnproven 1",
      "MirrorsLocal 0",
      "MirrorLooksFailed 2",
      "Regenerations 2",
      "MirrorSwitches asked 0",
    ]);
  });
});
