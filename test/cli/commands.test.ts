// The list of commands, which says of each what the command says itself.

import { describe, expect, it } from "vitest";
import { COMMANDS } from "../../cli/commands/index.ts";
import { main } from "../../cli/main.ts";

describe("the list of toji's commands", () => {
  it.each(Object.entries(COMMANDS))("has the summary of %s as the command itself has it", async (name, listed) => {
    const said: string[] = [];
    const io = { out: (text: string) => void said.push(text), err: (text: string) => void said.push(text) };
    expect(await main([name, "--help"], io)).toBe(0);
    expect(said.join("\n")).toContain(`npx toji ${name}`);
    expect((await listed.load()).summary).toBe(listed.summary);
  });
});
