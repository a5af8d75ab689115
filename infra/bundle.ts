// Bundles one Lambda function: ESM, minified, split, so that what a start does not need is not read.

import { basename, dirname, join, relative, sep } from "node:path";
import { type BuildOptions, build, type Metafile } from "esbuild";
import { sdkSchemas, undiciClient } from "./shrink.ts";

/** A file of the bundle, its path relative to the function's folder. */
export interface BundledFile {
  readonly path: string;
  readonly content: Uint8Array;
}

export interface Bundle {
  readonly code: readonly BundledFile[];
  /** Source maps: for whoever reads a stack trace, never in the zip (they cost 50-90 ms at start). */
  readonly maps: readonly BundledFile[];
  /** Bytes of the code that a start reads: the entry and what it imports statically. */
  readonly startBytes: number;
  /** Files of which something is in the code, relative to the repository. */
  readonly sources: readonly string[];
}

export interface BundleRequest {
  /** The repository: paths in the output are relative to it, so that no machine's path gets into the bundle. */
  readonly root: string;
  /** Entry point, relative to `root`. */
  readonly entry: string;
  /** Without both, esbuild's plain answer: what the bench compares with. */
  readonly plain?: boolean;
}

/** CommonJS packages in an ESM bundle call `require` for Node's own modules. */
const REQUIRE = "import{createRequire as nodeRequire}from'node:module';const require=nodeRequire(import.meta.url);";

export async function bundle({ root, entry, plain = false }: BundleRequest): Promise<Bundle> {
  const outdir = join(root, dirname(entry));
  const result = await build({
    ...options(plain),
    absWorkingDir: root,
    entryPoints: [entry],
    outdir,
    write: false,
    metafile: true,
  });
  const files = result.outputFiles
    .map(({ path, contents }) => ({ path: relative(outdir, path).split(sep).join("/"), content: contents }))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
  return {
    code: files.filter((file) => file.path.endsWith(".js")),
    maps: files.filter((file) => file.path.endsWith(".map")),
    startBytes: startBytes(result.metafile, `${dirname(entry)}/${basename(entry, ".ts")}.js`),
    sources: sources(result.metafile),
  };
}

function options(plain: boolean): BuildOptions {
  return {
    bundle: true,
    minify: true,
    format: "esm",
    platform: "node",
    target: "node24",
    // ESM builds of packages first: the CommonJS ones cannot be shaken.
    mainFields: ["module", "main"],
    conditions: ["module"],
    // Names of chunks follow from the paths below `root`, also where node_modules is a link to another place.
    preserveSymlinks: true,
    banner: { js: REQUIRE },
    chunkNames: "chunks/[name]-[hash]",
    legalComments: "none",
    sourcemap: plain ? false : "external",
    sourcesContent: false,
    splitting: !plain,
    plugins: plain ? [] : [sdkSchemas, undiciClient],
    logLevel: "silent",
  };
}

function sources({ outputs }: Metafile): string[] {
  const inputs = Object.values(outputs).flatMap((output) => Object.entries(output.inputs));
  return [...new Set(inputs.flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? [path] : [])))].sort();
}

function startBytes({ outputs }: Metafile, entry: string): number {
  const read = new Set<string>();
  const visit = (path: string): number => {
    const output = outputs[path];
    if (output === undefined || read.has(path)) return 0;
    read.add(path);
    const next = output.imports.filter(({ kind, external }) => kind === "import-statement" && external !== true);
    return next.reduce((sum, each) => sum + visit(each.path), output.bytes);
  };
  return visit(entry);
}
