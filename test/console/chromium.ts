// Debian's Chromium, headless, driven over its debugging pipe: opens a page, runs expressions in it, waits for the DOM.

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Readable, Writable } from "node:stream";

export const CHROMIUM = "/usr/bin/chromium";

const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--remote-debugging-pipe",
];

interface Reply {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly message: string };
}

export interface PageLook {
  readonly width: number;
  readonly height: number;
  readonly scheme: "light" | "dark";
}

export class Chromium {
  /** What pages said in their consoles, and the exceptions that nobody caught. */
  readonly complaints: string[] = [];
  readonly #process: ChildProcess;
  readonly #commands: Writable;
  readonly #profile: string;
  readonly #waiting = new Map<number, PromiseWithResolvers<Record<string, unknown>>>();
  #session: string | undefined;
  #nextId = 1;

  private constructor(child: ChildProcess, commands: Writable, replies: Readable, profile: string) {
    this.#process = child;
    this.#commands = commands;
    this.#profile = profile;
    let unread = "";
    replies.setEncoding("utf8").on("data", (chunk: string) => {
      const messages = (unread + chunk).split("\0");
      unread = messages.pop() ?? "";
      for (const message of messages) this.#take(JSON.parse(message));
    });
    child.on("error", (error) => this.#end(`Chromium does not start: ${error.message}`));
    child.on("exit", () => this.#end("Chromium has ended"));
  }

  static async start(): Promise<Chromium> {
    const profile = await mkdtemp(join(tmpdir(), "toji-chromium-"));
    // Chromium writes to two pipes of its own: 3 takes commands, 4 answers.
    const child = spawn(CHROMIUM, [...FLAGS, `--user-data-dir=${profile}`, "about:blank"], {
      stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"],
    });
    const [commands, replies] = [child.stdio[3], child.stdio[4]];
    if (!(commands instanceof Writable) || replies === null || replies === undefined || !("setEncoding" in replies)) {
      throw new Error("Chromium has no debugging pipe");
    }
    const browser = new Chromium(child, commands, replies, profile);
    const { targetId } = await browser.#send("Target.createTarget", { url: "about:blank" });
    const { sessionId } = await browser.#send("Target.attachToTarget", { targetId, flatten: true });
    browser.#session = String(sessionId);
    for (const domain of ["Page", "Runtime", "Log"]) await browser.#send(`${domain}.enable`);
    return browser;
  }

  async look({ width, height, scheme }: PageLook): Promise<void> {
    await this.#send("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile: false });
    await this.#send("Emulation.setScrollbarsHidden", { hidden: true });
    await this.#send("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: scheme }] });
  }

  async open(url: string): Promise<void> {
    await this.#send("Page.navigate", { url });
  }

  /** The value of an expression in the page; a promise is awaited. */
  async evaluate(expression: string): Promise<unknown> {
    const { result, exceptionDetails } = await this.#send("Runtime.evaluate", {
      expression,
      awaitPromise: true,
      returnByValue: true,
    });
    if (exceptionDetails !== undefined) throw new Error(`${expression}: ${JSON.stringify(exceptionDetails)}`);
    return typeof result === "object" && result !== null && "value" in result ? result.value : undefined;
  }

  /** Waits until the text of the page has `text` in it. Watches the DOM rather than the clock. */
  async waitForText(text: string): Promise<void> {
    await this.evaluate(`new Promise((resolve) => {
      const seen = () => (document.body?.innerText ?? "").includes(${JSON.stringify(text)}) && (resolve(), true);
      if (!seen()) new MutationObserver((_changes, observer) => seen() && observer.disconnect())
        .observe(document, { subtree: true, childList: true, characterData: true });
    })`);
  }

  /** A PNG of the whole page. */
  async screenshot(): Promise<Buffer> {
    const { data } = await this.#send("Page.captureScreenshot", { captureBeyondViewport: true });
    return Buffer.from(String(data), "base64");
  }

  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once("exit", resolve));
    if (this.#process.exitCode === null) {
      this.#process.kill();
      await ended;
    }
    await rm(this.#profile, { recursive: true, force: true, maxRetries: 5 });
  }

  #send(method: string, params: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
    const id = this.#nextId;
    this.#nextId += 1;
    const waiting = Promise.withResolvers<Record<string, unknown>>();
    this.#waiting.set(id, waiting);
    this.#commands.write(`${JSON.stringify({ id, method, params, sessionId: this.#session })}\0`);
    return waiting.promise;
  }

  #end(reason: string): void {
    for (const each of this.#waiting.values()) each.reject(new Error(reason));
    this.#waiting.clear();
  }

  #take({ id, method, params, result, error }: Reply): void {
    if (method === "Runtime.exceptionThrown" || method === "Log.entryAdded")
      this.complaints.push(JSON.stringify(params));
    if (id === undefined) return;
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error !== undefined) waiting?.reject(new Error(error.message));
    else waiting?.resolve(result ?? {});
  }
}
