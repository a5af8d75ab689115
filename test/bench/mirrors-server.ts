// A process of its own that serves a folder, or hostile answers, to the bench of mirrors; a JSON line for each question.
// Arguments: `folder PATH LATENCY_MS`, or `hostile PATH`, the folder with the bombs. Ends with its standard input.

import { createInterface } from "node:readline";
import { hostile } from "../mirrors/web-hostile.ts";
import { serveFolder } from "../mirrors/web-server.ts";

const [mode = "", path = "", latency = "0"] = process.argv.slice(2);

function say(answer: object): void {
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}

async function serve(): Promise<() => Promise<void>> {
  if (mode === "folder") {
    const latencyMilliseconds = Number(latency);
    const server = await serveFolder(path, latencyMilliseconds > 0 ? { latencyMilliseconds } : {});
    say({ urls: { folder: server.url } });
    createInterface({ input: process.stdin }).on("line", () => {
      say({ maxConnections: server.maxConnections, requests: server.requests.length });
    });
    return server.close;
  }
  const bombs = await serveFolder(path);
  const raw = {
    "endless body": await hostile.endlessBody(),
    "slow drip": await hostile.slowDrip(100),
    "10 GB declared": await hostile.declaredHuge(),
    "redirects without end": await hostile.endlessRedirects(),
    "endless headers": await hostile.endlessHeaders(),
    "never answers": await hostile.neverAnswers(),
  };
  const urls = Object.fromEntries(Object.entries(raw).map(([name, { url }]) => [name, url]));
  const bombUrls = {
    "entity bomb": `${bombs.url}/entities`,
    "gzip bomb": `${bombs.url}/gzip`,
    "bzip2 bomb": `${bombs.url}/bzip2`,
  };
  say({ urls: { ...urls, ...bombUrls } });
  return async () => {
    await Promise.all([bombs, ...Object.values(raw)].map((server) => server.close()));
  };
}

const close = await serve();
process.stdin.on("end", () => void close());
process.stdin.resume();
