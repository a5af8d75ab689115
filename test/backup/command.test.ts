// The text that SSM runs on the hub, read by a real shell, and the answers in its last line.

import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { commandText, HostAnswerUnreadable, readAnswer } from "../../shared/backup/command.ts";
import { thawAnswer } from "../../shared/backup/host-answers.ts";

const directory = mkdtempSync(join(tmpdir(), "toji-command-"));
afterAll(() => rmSync(directory, { recursive: true }));

/** As SSM's agent does: the text is a file, and is run as one. */
function runAsFile(text: string) {
  const file = join(directory, "_script.sh");
  writeFileSync(file, text);
  chmodSync(file, 0o700);
  return spawnSync(file, { encoding: "utf8" });
}

describe("the text of a command", () => {
  it("hands every value to the script as it is, whatever is in it (property)", () => {
    const value = fc.string({ unit: fc.constantFrom("'", '"', "$", "`", "\\", " ", "a", "\n", "!", ";", "&", "é") });
    const script = '#!/bin/sh\nset -eu\nprintf "%s|%s|%s" "$TOJI_ACTION" "$TOJI_A" "$TOJI_B"\n';
    fc.assert(
      fc.property(value, value, (first, second) => {
        const { stdout } = runAsFile(commandText("survey", { TOJI_A: first, TOJI_B: second }, script));
        expect(stdout).toBe(`survey|${first}|${second}`);
      }),
      { numRuns: 40 },
    );
  });

  it("is run by the interpreter that the script names", () => {
    const bash = commandText("survey", {}, "#!/bin/bash\nshopt -q sourcepath && echo bash\n");
    expect(bash.split("\n").slice(0, 2)).toEqual(["#!/bin/bash", "export TOJI_ACTION='survey'"]);
    expect(runAsFile(bash).stdout).toBe("bash\n");
    expect(commandText("thaw", {}, "echo it").split("\n")).toEqual(["export TOJI_ACTION='thaw'", "echo it"]);
  });
});

describe("an answer", () => {
  it("is the last line that holds anything", () => {
    const answer = { thawed: ["/mnt/koji"], already: [] };
    expect(readAnswer("thaw", `thawing\n${JSON.stringify(answer)}\n\n`, thawAnswer)).toEqual(answer);
  });

  it("that is none is told with the line itself", () => {
    expect(() => readAnswer("thaw", "thawing /mnt/koji\n", thawAnswer)).toThrow(
      'the script thaw ended well, but its last line is not its answer (it is no JSON): "thawing /mnt/koji"',
    );
    expect(() => readAnswer("thaw", '{"thawed":1}', thawAnswer)).toThrow(/expected array/);
    expect(() => readAnswer("thaw", "", thawAnswer)).toThrow(HostAnswerUnreadable);
  });
});
