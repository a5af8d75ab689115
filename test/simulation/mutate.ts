// A preload (`node --import`): one mutation of the table is in the product that this thread loads. TOJI_MUTATION names it.

import { registerHooks } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ROOT } from "./constants.ts";
import { mutate, mutationNamed } from "./mutations.ts";

const mutation = mutationNamed(process.env.TOJI_MUTATION ?? "");
const files = new Map(mutation.edits.map(({ file }) => [join(ROOT, file), file]));

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    const file = url.startsWith("file:") ? files.get(fileURLToPath(url)) : undefined;
    if (file === undefined) return loaded;
    const { source } = loaded;
    if (source === undefined || source === null) throw new Error(`${file} was loaded without its source`);
    const text = typeof source === "string" ? source : Buffer.from(source as Uint8Array).toString("utf8");
    return { ...loaded, source: mutate(mutation, file, text) };
  },
});
