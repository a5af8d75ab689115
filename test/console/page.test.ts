// The page in a real browser: all of the state, readable, at any width, in both schemes, and when the sandbox goes away.

import { existsSync } from "node:fs";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Console, type ConsoleState, startConsole } from "../../sandbox/console/index.ts";
import { CHROMIUM, Chromium } from "./chromium.ts";
import { busyState, PHASES, quietState } from "./states.ts";

const absent = !existsSync(CHROMIUM) && !process.env.CI;
const reason = absent ? ` (skipped: ${CHROMIUM} not found, install chromium)` : "";

describe.skipIf(absent)(`the page${reason}`, () => {
  let browser: Chromium;
  let served: Console;
  let state: ConsoleState;

  beforeAll(async () => {
    browser = await Chromium.start();
    served = await startConsole({ port: 0, host: "127.0.0.1", read: () => state });
  });

  afterAll(async () => {
    await browser?.close();
    await served?.close();
  });

  beforeEach(() => {
    state = busyState();
    browser.complaints.length = 0;
  });

  async function show(width = 1280, scheme: "light" | "dark" = "light"): Promise<void> {
    await browser.look({ width, height: 900, scheme });
    await browser.open(served.url);
    await browser.waitForText("newest first");
  }

  function texts(selector: string): Promise<unknown> {
    return browser.evaluate(
      `[...document.querySelectorAll(${JSON.stringify(selector)})].map((each) => each.innerText.trim())`,
    );
  }

  it("shows totals, queue, builders, trend and decisions, without a complaint from the browser", async () => {
    await show();
    expect(await texts(".totals dd")).toEqual(["1,342", "12 s", "3.4 min", "57", "41.3", "$3.91", "$0.987"]);
    expect(await texts(".queue tbody th, .queue tbody td:nth-child(3)")).toEqual([
      ...["createrepo", "1", "default", "2", "default", "3", "default", "11"],
    ]);
    expect(await texts(".builders caption")).toEqual(["default-arm", "default-x86"]);
    expect(await texts(".builders tbody tr:first-child .load")).toEqual(["3 tasks, 5.5 of 6", "1 task, 1.5 of 3"]);
    expect(await texts(".legend .series")).toEqual(["free 6", "running 13", "builders 12"]);
    expect(await browser.evaluate("document.querySelector('.plot canvas').width > 300")).toBe(true);
    expect(await texts(".backups h2, .backups p")).toEqual([
      "Backups nightly-3: WaitForSnapshots",
      "2 unverified, 1 verified; newest proof 3.4 h old, restored in 13 min",
      "npx toji backup list --endpoint http://127.0.0.1:4082 --bucket toji-sandbox --region us-east-1",
    ]);
    expect(await texts(".mirrors h2, .mirrors p")).toEqual([
      "Mirrors failover-updates: WaitForRepos",
      "3 ok, 1 partial; candidates 4 ok; 2 of 84 live rpms gone; looked at 4 min ago",
      "13:58 example-updates (x86_64) at https://mirror.example.org/updates/x86_64/ is partial: rpms: 2 of 20 do not answer",
      "npx toji mirrors list --endpoint http://127.0.0.1:4082 --bucket toji-sandbox --region us-east-1",
    ]);
    expect(await texts(".decisions li strong")).toEqual(["launch", "terminate", "drain", "enable", "free-tasks"]);
    expect(browser.complaints).toEqual([]);
  });

  it("shows every phase as a word", async () => {
    await show();
    const shown = await browser.evaluate(
      "[...new Set([...document.querySelectorAll('.phase')].map((each) => each.innerText))].sort()",
    );
    expect(shown).toEqual(PHASES.toSorted());
  });

  it("shows an empty sandbox", async () => {
    state = quietState();
    await show();
    expect(await texts(".totals dd")).toEqual(["0", "–", "–", "0", "0", "$0.00", "$0.00"]);
    expect(browser.complaints).toEqual([]);
  });

  it("shows text of the hub as text", async () => {
    state = busyState({ decisions: [{ at: 0, changes: [], keep: [], notes: ["<img src=x onerror=alert(1)>"] }] });
    await show();
    expect(await texts(".decisions .note")).toEqual(["<img src=x onerror=alert(1)>"]);
  });

  it("has landmarks, one title, headers with a scope, and one quiet live region", async () => {
    await show();
    const counts =
      await browser.evaluate(`["header", "main", "h1", "th:not([scope])", "section:not([aria-labelledby]):not([aria-label])",
      "[aria-live]", "[aria-live=polite]"].map((each) => document.querySelectorAll(each).length)`);
    expect(counts).toEqual([1, 1, 1, 0, 0, 1, 1]);
  });

  it("announces the newest decision when it comes", async () => {
    await show();
    const at = state.now + 60;
    state = busyState({
      decisions: [{ at, changes: ["drain a-01: idle 160 s"], keep: [], notes: [] }, ...state.decisions],
    });
    await browser.waitForText("drain a-01: idle 160 s");
    expect(await browser.evaluate("document.querySelector('[aria-live]').textContent")).toBe("drain a-01: idle 160 s");
  });

  it.each([380, 600, 1280])("fits into %i px", async (width) => {
    await show(width);
    expect(await browser.evaluate("document.documentElement.scrollWidth")).toBe(width);
  });

  it.each(["light", "dark"] as const)("has contrast AA in the %s scheme", async (scheme) => {
    await show(1280, scheme);
    const ground = await browser.evaluate("getComputedStyle(document.body).backgroundColor");
    expect(ground).toBe(scheme === "light" ? "rgb(246, 245, 241)" : "rgb(16, 18, 20)");
    expect(await browser.evaluate(`(${weakTexts})()`)).toEqual([]);
  });

  it("says when it is not connected, and connects again by itself", async () => {
    await show();
    const port = Number(new URL(served.url).port);
    await served.close();
    await browser.waitForText("Not connected, trying again.");
    expect(await texts(".connection")).toEqual(["not connected"]);
    expect(await texts(".totals dd:first-of-type")).toContain("1,342");
    state = busyState({ totals: { ...state.totals, tasksDone: 1399 } });
    served = await startConsole({ port, host: "127.0.0.1", read: () => state });
    await browser.waitForText("1,399");
    expect(await texts(".connection, .trouble")).toEqual(["connected"]);
  });
});

/** Runs in the page: every text whose colour is closer than 4.5 to 1 to what is behind it (WCAG 2.2, 1.4.3). */
function weakTexts(): string[] {
  const luminance = (color: string) => {
    const [r = 0, g = 0, b = 0] = (color.match(/[\d.]+/g) ?? []).slice(0, 3).map((part) => {
      const value = Number(part) / 255;
      return value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element: Element | null): string => {
    if (element === null) return "rgb(255, 255, 255)";
    const color = getComputedStyle(element).backgroundColor;
    return color === "rgba(0, 0, 0, 0)" ? behind(element.parentElement) : color;
  };
  const ofText = [...document.body.querySelectorAll("*")].filter((element) =>
    [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent?.trim()),
  );
  return ofText.flatMap((element) => {
    const [front, back] = [luminance(getComputedStyle(element).color), luminance(behind(element))];
    const ratio = (Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05);
    return ratio < 4.5 ? [`${element.className || element.tagName}: ${ratio.toFixed(2)}`] : [];
  });
}
