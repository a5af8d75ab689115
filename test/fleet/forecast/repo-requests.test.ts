// Repos that were asked for: the tasks that kojira will make of them.

import { describe, expect, it } from "vitest";
import { NO_GRAPH } from "../../../shared/fleet/forecast/families.ts";
import { repoTasksAhead } from "../../../shared/fleet/forecast/repo-requests.ts";
import { DEFAULT_HUB_OPTIONS, type HubState } from "../../../shared/hub/index.ts";
import { CHANNELS, NOW } from "../world.ts";

const LOOKUPS = { tagArches: { 7: { arches: ["x86_64", "aarch64"], at: NOW } }, packageSeconds: {} };
const ahead = (changes: Partial<HubState>, within: number) =>
  repoTasksAhead(
    {
      now: NOW,
      options: DEFAULT_HUB_OPTIONS,
      channels: CHANNELS,
      hosts: [],
      tasks: [],
      refusals: [],
      runs: [],
      repoRequests: [{ id: 3, tag: 7, create_ts: NOW - 20, task_id: null }],
      ...changes,
    },
    NO_GRAPH,
    LOOKUPS,
    within,
  );

describe("a repo that was asked for", () => {
  it("brings a newRepo at kojira's next look, and then a createrepo for each arch of the tag", () => {
    const [first, then] = ahead({}, 30);
    expect(first?.tasks).toEqual([{ method: "newRepo", channelId: 2, arch: "noarch", share: 1, stays: 1 }]);
    expect(first?.chance).toBeCloseTo(0.5, 9);
    expect(then?.tasks.map(({ method }) => method)).toEqual(["createrepo", "createrepo"]);
    expect(then?.chance).toBe(0);
    const [sure, likely] = ahead({}, 300);
    expect(sure?.chance).toBe(1);
    expect(likely?.chance).toBeGreaterThan(0.9);
  });

  it("brings nothing once it has its task, nor on a hub without a channel for it", () => {
    expect(ahead({ repoRequests: [{ id: 3, tag: 7, create_ts: NOW - 20, task_id: 99 }] }, 300)).toEqual([]);
    expect(ahead({ channels: CHANNELS.slice(0, 1) }, 300)).toEqual([]);
  });

  it("is not known of hubs that do not tell", () => {
    expect(ahead({ repoRequests: [] }, 300)).toEqual([]);
  });
});
