// New repos as they are asked for: what the hub refuses, what it is too old for, and what is remembered.

import { describe, expect, it } from "vitest";
import { HubFault, HubUnreachable, type HubWriter } from "../../shared/hub/index.ts";
import { queuedTags, requestRepos } from "../../shared/mirrors/regenerate.ts";
import { regenerations } from "../../shared/mirrors/states.ts";
import { openCheckWorld } from "./check-world.ts";

const planned = (...tags: string[]) => tags.map((tag) => ({ tag, why: "rpms are gone", repo: 1 }));

/** The world's ports, whose writer first asks `before`. */
async function portsWith(before: (method: string, tag: unknown) => void) {
  const world = openCheckWorld();
  const writer = await world.ports.hubWriter();
  const guarded: HubWriter = {
    ...writer,
    async call(method, params) {
      before(method, params?.[0]);
      return await writer.call(method, params);
    },
  };
  return { world, ports: { ...world.ports, hubWriter: async () => guarded } };
}

describe("new repos", () => {
  it("are asked for one by one, and remembered once for each tag", async () => {
    const { world, ports } = await portsWith(() => {});
    expect(await requestRepos(ports, planned("el9-build", "epel-build"))).toEqual({
      asked: ["el9-build", "epel-build"],
      sentences: [],
      failure: null,
    });
    await requestRepos(ports, planned("epel-build"));
    const { tags } = (await regenerations.get(ports.store))?.value ?? { tags: [] };
    expect(tags.map(({ tag }) => tag)).toEqual(["el9-build", "epel-build"]);
    expect(tags.every(({ request, repo }) => request !== null && repo === 1)).toBe(true);
    expect(await queuedTags(ports.hubReader)).toEqual(["el9-build", "epel-build"]);
    expect(world.requested()).toEqual(["el9-build", "epel-build"]);
  });

  it("log in to the hub only if there are any", async () => {
    const { ports } = await portsWith(() => {});
    const hubWriter = () => Promise.reject(new Error("there is no login"));
    expect(await requestRepos({ ...ports, hubWriter }, [])).toMatchObject({ failure: null });
    expect(await requestRepos({ ...ports, hubWriter }, planned("el9-build"))).toMatchObject({
      asked: [],
      failure: new Error("there is no login"),
    });
  });

  it("that the hub refuses are told, and the others asked for", async () => {
    const { ports } = await portsWith((_, tag) => {
      if (JSON.stringify(tag).includes("el9")) throw new HubFault(1004, "not allowed");
    });
    const { asked, sentences } = await requestRepos(ports, planned("el9-build", "epel-build"));
    expect(asked).toEqual(["epel-build"]);
    expect(sentences).toEqual([expect.stringContaining('The hub refused a new repo of el9-build ("not allowed")')]);
  });

  it("wait for the next run when the hub is gone in between", async () => {
    const { ports } = await portsWith((_, tag) => {
      if (JSON.stringify(tag).includes("epel")) throw new HubUnreachable("https://hub.test", "refused", "refused");
    });
    const { asked, failure } = await requestRepos(ports, planned("el9-build", "epel-build"));
    expect(asked).toEqual(["el9-build"]);
    expect(failure).toBeInstanceOf(HubUnreachable);
  });

  it("of a hub without a queue are seen as its tasks", async () => {
    const { world, ports } = await portsWith(() => {});
    const { hubReader } = world.ports;
    const old = {
      ...hubReader,
      call: async (method: string, params?: Parameters<typeof hubReader.call>[1]) => {
        if (method.startsWith("repo.")) throw new HubFault(1000, `Invalid method: ${method}`);
        return await hubReader.call(method, params);
      },
    };
    await (await ports.hubWriter()).call("newRepo", ["el9-build"]);
    expect(await queuedTags(old)).toEqual(["el9-build"]);
  });
});
