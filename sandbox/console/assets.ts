// The files that make up the page, by the only addresses that are answered. Read once; nothing is looked up on disk later.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export interface Asset {
  readonly type: string;
  readonly body: Buffer;
}

const require = createRequire(import.meta.url);
const PAGE = fileURLToPath(new URL("page/", import.meta.url));

const TYPES = {
  html: "text/html; charset=utf-8",
  script: "text/javascript; charset=utf-8",
  style: "text/css; charset=utf-8",
  picture: "image/svg+xml",
} as const;

/** Address -> file. Libraries are served as their packages ship them; the page imports them by these addresses. */
function assetFiles(): readonly (readonly [address: string, type: keyof typeof TYPES, file: string])[] {
  return [
    ["/", "html", join(PAGE, "index.html")],
    ["/app.js", "script", join(PAGE, "app.js")],
    ["/view.js", "script", join(PAGE, "view.js")],
    ["/chart.js", "script", join(PAGE, "chart.js")],
    ["/format.js", "script", join(PAGE, "format.js")],
    ["/colors.css", "style", join(PAGE, "colors.css")],
    ["/style.css", "style", join(PAGE, "style.css")],
    ["/parts.css", "style", join(PAGE, "parts.css")],
    ["/icon.svg", "picture", join(PAGE, "icon.svg")],
    ["/modules/preact.js", "script", require.resolve("preact")],
    ["/modules/htm.js", "script", join(dirname(require.resolve("htm")), "htm.mjs")],
    ["/modules/uplot.js", "script", join(dirname(require.resolve("uplot")), "uPlot.esm.js")],
    ["/modules/uplot.css", "style", join(dirname(require.resolve("uplot")), "uPlot.min.css")],
  ];
}

export async function readAssets(): Promise<ReadonlyMap<string, Asset>> {
  const entries = await Promise.all(
    assetFiles().map(async ([address, type, file]) => {
      return [address, { type: TYPES[type], body: await readFile(file) }] as const;
    }),
  );
  return new Map(entries);
}
