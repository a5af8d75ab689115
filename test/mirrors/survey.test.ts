// The survey: who uses which external repo, what is to be looked at, and what a person is told.

import { describe, expect, it } from "vitest";

import { mirrorsSchema } from "../../shared/config/index.ts";
import {
  type HubCall,
  type HubCaller,
  HubFault,
  type HubOutcome,
  type Repo,
  type TagExternalRepo,
} from "../../shared/hub/index.ts";
import { decodeResponse } from "../../shared/hub/xmlrpc/decode.ts";
import { encodeCall } from "../../shared/hub/xmlrpc/encode.ts";

import type { HubAnswers, TagAnswers } from "../../shared/mirrors/hub-repos.ts";
import { readSurvey, surveyHub } from "../../shared/mirrors/survey.ts";
import type { SurveySite } from "../../shared/mirrors/survey-types.ts";
import { createMeadow, type Meadow } from "../sandbox/hub-world.ts";

const NOW = 1_795_353_300;
const HUB = { url: "https://koji.example.org/kojihub", topUrl: "https://kojifiles.example.org/kojifiles" };

const siteWith = (repos: readonly { readonly name: string; readonly ignore?: boolean }[] = []): SurveySite => ({
  hub: HUB,
  mirrors: mirrorsSchema.parse({ repos }),
});

const external = (id: number, more: Partial<TagExternalRepo> = {}): TagExternalRepo => ({
  external_repo_id: id,
  external_repo_name: `repo-${id}`,
  url: "",
  tag_name: "base",
  merge_mode: "koji",
  priority: 10,
  arches: null,
  ...more,
});

const ready = (id: number, tag_name: string, create_event: number): Repo => ({
  id,
  tag_name,
  state: 1,
  create_event,
  create_ts: 1000 + create_event,
  dist: false,
});

function answersOf({
  urls = [],
  tags = {},
  repos = [],
}: {
  readonly urls?: readonly string[];
  readonly tags?: { readonly [name: string]: TagAnswers | HubFault };
  readonly repos?: readonly Repo[];
}): HubAnswers {
  return {
    repos: urls.map((url, index) => ({ id: index + 1, name: `repo-${index + 1}`, url })),
    ready: repos,
    tags: new Map(Object.entries(tags)),
  };
}

const EL9 = "https://mirror.example.net/el/9/$arch/";
const survey = (answers: Parameters<typeof answersOf>[0], site = siteWith()) =>
  readSurvey(answersOf(answers), site, NOW);

describe("who uses an external repo", () => {
  it("is every build tag that inherits it, for its canonical arches that the repo's filter leaves", () => {
    const { repos } = survey({
      urls: [EL9],
      tags: {
        "z-build": { arches: ["x86_64", "i686", "athlon"], externals: [external(1)] },
        "a-build": {
          arches: ["x86_64", "i686", "aarch64"],
          externals: [external(1, { arches: ["i686", "aarch64", "s390x"], merge_mode: "bare", priority: 3 })],
        },
        "other-build": { arches: ["x86_64"], externals: [] },
      },
    });
    expect(repos).toEqual([
      {
        id: 1,
        name: "repo-1",
        url: EL9,
        uses: [
          { tag: "a-build", arches: ["aarch64", "i386"], mergeMode: "bare", priority: 3 },
          { tag: "z-build", arches: ["i386", "x86_64"], mergeMode: "koji", priority: 10 },
        ],
      },
    ]);
  });
});

describe("what is to be looked at", () => {
  const tags = { b: { arches: ["x86_64", "aarch64"], externals: [external(1), external(2), external(3)] } };

  it("is each repo for each arch that some tag uses, once, with $arch replaced", () => {
    const { looks } = survey({
      urls: [EL9],
      tags: { ...tags, c: { arches: ["x86_64"], externals: [external(1)] } },
    });
    expect(looks).toEqual([
      { repo: "repo-1", arch: "aarch64", url: "https://mirror.example.net/el/9/aarch64/", role: "current" },
      { repo: "repo-1", arch: "x86_64", url: "https://mirror.example.net/el/9/x86_64/", role: "current" },
    ]);
  });

  it("is nothing of a repo that is ignored, that lies on the hub's disk, or that nobody uses", () => {
    const urls = [EL9, "file:///mnt/koji/external-repos/el9/$arch/", EL9, EL9];
    const { looks, local } = survey({ urls, tags }, siteWith([{ name: "repo-1", ignore: true }]));
    expect(looks.map(({ repo }) => repo)).toEqual(["repo-3", "repo-3"]);
    expect(local).toEqual([{ repo: "repo-2", kind: "file" }]);
  });
});

describe("READY repos", () => {
  it("are told with their arches; the newest of a tag is that of the latest event, whatever its id", () => {
    const { ready: found } = survey({
      tags: { a: { arches: ["i686"], externals: [] }, b: { arches: ["x86_64"], externals: [] } },
      repos: [ready(9, "a", 40), ready(3, "b", 50), ready(7, "a", 60), ready(8, "gone", 70)],
    });
    expect(found).toEqual([
      { id: 3, tag: "b", arches: ["x86_64"], createdAt: 1050, newest: true },
      { id: 7, tag: "a", arches: ["i386"], createdAt: 1060, newest: true },
      { id: 9, tag: "a", arches: ["i386"], createdAt: 1040, newest: false },
    ]);
  });
});

describe("a person is told", () => {
  const told = (url: string, site = siteWith()) =>
    survey({ urls: [url], tags: { "el9-build": { arches: ["x86_64"], externals: [external(1)] } } }, site);

  it("nothing of a repo on a mirror that a tag uses", () => {
    expect(told(EL9).sentences).toEqual([]);
    expect(told("https://mirror.example.net/el/metalinked/$arch/").sentences).toEqual([]);
  });

  it("of a copy on the hub's disk, with its tags and what to do", () => {
    const { sentences, local } = told("file:///mnt/koji/external-repos/el9/$arch/");
    expect(local).toEqual([{ repo: "repo-1", kind: "file" }]);
    expect(sentences).toEqual([
      expect.stringMatching(
        /^External repo repo-1 \(file:\/\/\/mnt.*\) lies on the hub's own disk, used by el9-build: .*koji edit-external-repo --url URL repo-1/,
      ),
    ]);
  });

  it.each(["http://koji.example.org:8080/mirror/$arch/", "https://KOJIFILES.example.org/repos/other/latest/$arch/"])(
    "of %s, which the hub itself serves, and it is looked at all the same",
    (url) => {
      const { sentences, local, looks } = told(url);
      expect(local).toEqual([{ repo: "repo-1", kind: "self-hosted" }]);
      expect(sentences).toEqual([expect.stringContaining("is served by the hub itself, used by el9-build")]);
      expect(looks).toHaveLength(1);
    },
  );

  it.each([
    "https://mirrors.example.org/metalink?repo=epel-9&arch=$arch/",
    "http://mirrorlist.example.org/?release=9&arch=$arch/",
    "https://mirrors.example.org/mirrorlist?path=/el/9/$arch/",
    "https://mirrors.example.org/el/9/$arch/mirror.list/",
  ])("of %s, which is no repository", (url) => {
    expect(told(url).sentences).toEqual([expect.stringContaining("Koji needs the address of one repository")]);
  });

  it("of an address that is neither http nor https", () => {
    expect(told("ftp://mirror.example.net/$arch/").sentences).toEqual([expect.stringContaining("no http or https")]);
    expect(told("/mnt/copy/$arch/").sentences).toEqual([expect.stringContaining("no http or https")]);
    expect(told("ftp://mirror.example.net/$arch/").looks).toEqual([]);
  });

  it("of no password that stands in an address", () => {
    const [sentence] = told("ftp://mirror:secret@mirror.example.net/$arch/").sentences;
    expect(sentence).not.toContain("secret");
    expect(sentence).toContain("ftp://mirror.example.net/");
  });

  it("of repos that nobody uses, for no tag has them or none of the arches", () => {
    expect(survey({ urls: [EL9] }).sentences).toEqual([expect.stringContaining("no build tag inherits it")]);
    const tags = { b: { arches: ["x86_64"], externals: [external(1, { arches: ["s390x"] })] } };
    expect(survey({ urls: [EL9], tags }).sentences).toEqual([
      expect.stringContaining("none of its arches is built in b"),
    ]);
  });

  it("of merge modes that are mixed in one tag and arch, for createrepo fails there", () => {
    const mixed = (arches: readonly string[] | null) =>
      survey({
        urls: [EL9, EL9],
        tags: {
          b: {
            arches: ["x86_64", "aarch64"],
            externals: [external(1, { arches: ["x86_64"] }), external(2, { merge_mode: "bare", arches })],
          },
        },
      }).sentences;
    expect(mixed(null)).toEqual([
      `Tag b inherits external repos with different merge modes (repo-1 (${EL9}): koji, repo-2 (${EL9}): bare), so createrepo fails for it (x86_64); give all of them one mode.`,
    ]);
    expect(mixed(["aarch64"])).toEqual([]);
  });

  it("of config for a repo that the hub does not have, with the nearest name", () => {
    const { sentences } = survey({ urls: [EL9], tags: {} }, siteWith([{ name: "repo-2" }, { name: "nonesuch" }]));
    expect(sentences.slice(1)).toEqual([
      'mirrors.repos describes "repo-2", which is no external repo of the hub: did you mean "repo-1"?',
      'mirrors.repos describes "nonesuch", which is no external repo of the hub: take it out of mirrors.repos.',
    ]);
  });

  it("of a tag that the hub would not tell of, and the others are surveyed", () => {
    const { sentences, looks } = survey({
      urls: [EL9],
      tags: {
        a: new HubFault(1000, "No such tagInfo: 'a'"),
        b: { arches: ["x86_64"], externals: [external(1)] },
      },
    });
    expect(sentences).toEqual([expect.stringContaining(`tag a ("No such tagInfo: 'a'")`)]);
    expect(looks).toHaveLength(1);
  });

  it("of at most some tags by name", () => {
    const names = Array.from({ length: 30 }, (_, index) => `t${String(index).padStart(2, "0")}`);
    const tags = Object.fromEntries(names.map((name) => [name, { arches: ["x86_64"], externals: [external(1)] }]));
    const [sentence] = survey({ urls: ["file:///mnt/$arch/"], tags }).sentences;
    expect(sentence).toContain("t07 and 22 more");
    expect(sentence).not.toContain("t08");
  });
});

describe("asking the hub", () => {
  function createSite(): Meadow {
    const meadow = createMeadow();
    const { hub } = meadow;
    hub.addExternalRepo("meadow-base", "http://mirror.example.net/base/$arch");
    hub.addTagExternalRepo("meadow1-build", "meadow-base", { priority: 10 });
    hub.addTag("side-build", { arches: "s390x", parents: ["meadow1-build"] });
    return meadow;
  }

  /** The model behind the caller's port; `unknown`: methods that an older hub lacks. */
  function callerOf({ post }: Meadow, unknown: readonly string[] = []) {
    const asked: string[][] = [];
    const multiCall = async (calls: readonly HubCall[]): Promise<HubOutcome[]> => {
      asked.push([...new Set(calls.map(({ method }) => method))]);
      return calls.map(({ method, params = [] }): HubOutcome => {
        if (unknown.includes(method)) return { ok: false, fault: new HubFault(1000, `Invalid method: ${method}`) };
        return { ok: true, value: decodeResponse(post(null, encodeCall(method, params)).body) };
      });
    };
    const caller: HubCaller = { multiCall, call: async () => expect.unreachable("one by one") };
    return { caller, asked };
  }

  it("takes three requests, and finds tags that only a READY repo tells of", async () => {
    const meadow = createSite();
    meadow.hub.makeRepo("side-build");
    const { caller, asked } = callerOf(meadow);
    const found = await surveyHub(caller, siteWith(), NOW);
    expect(asked).toEqual([
      ["listExternalRepos", "getBuildTargets", "repo.query"],
      ["getBuildConfig"],
      ["getExternalRepoList"],
    ]);
    expect(found.at).toBe(NOW);
    expect(found.repos[0]?.uses.map(({ tag, arches }) => `${tag}: ${arches}`)).toEqual([
      "meadow1-build: aarch64,i386,x86_64",
      "meadow1-heavy-build: x86_64",
      "side-build: s390x",
    ]);
    expect(found.ready).toMatchObject([{ id: 1, tag: "side-build", arches: ["s390x"], newest: true }]);
    expect(found.looks.map(({ arch }) => arch)).toEqual(["aarch64", "i386", "s390x", "x86_64"]);
    expect(found.sentences).toEqual([]);
  });

  it("asks a hub without repo.query for the newest READY repo of each build tag", async () => {
    const meadow = createSite();
    meadow.hub.makeRepo("meadow1-build");
    meadow.hub.makeRepo("meadow1-build");
    const { caller, asked } = callerOf(meadow, ["repo.query"]);
    const { ready: found } = await surveyHub(caller, siteWith(), NOW);
    expect(found).toMatchObject([{ id: 2, tag: "meadow1-build", newest: true }]);
    expect(asked.flat()).toContain("getRepo");
  });

  it("throws when the hub refuses what is not about one tag", async () => {
    const { caller } = callerOf(createSite(), ["listExternalRepos"]);
    await expect(surveyHub(caller, siteWith(), NOW)).rejects.toThrow("Invalid method: listExternalRepos");
  });
});
