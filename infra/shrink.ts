// Two esbuild plugins that let unused code leave the bundle without changing what the used code does.

import { readFile } from "node:fs/promises";
import type { Plugin } from "esbuild";

const SCHEMA_FILE = /[\\/]@aws-sdk[\\/]client-[a-z0-9-]+[\\/]dist-es[\\/]schemas[\\/]schemas_\d+\.js$/;

/**
 * `{ [_xN]: _m }` with `const _xN = "xmlName"` becomes `{ "xmlName": _m }`: the same value, but without a computed key.
 *
 * The SDK's clients describe each shape as an array literal in one file, and esbuild keeps every one of them because a
 * computed key could have a side effect (EC2: 1.3 MB, of which a pass reaches a tenth). With plain keys the arrays are
 * pure, and esbuild's own tree shaking follows the references from the commands that are used. Nothing is dropped here:
 * a key whose constant is not found stays as it is, and its shape stays in the bundle.
 */
export function inlineSchemaKeys(source: string): string {
  const names = new Map<string, string>();
  for (const [, name, text] of source.matchAll(/^const (_\w+) = ("[^"\\\n]*");$/gm)) {
    if (name !== undefined && text !== undefined) names.set(name, text);
  }
  return source.replace(/(?<=[{,]\s*)\[(_\w+)\](?=: )/g, (key, name: string) => names.get(name) ?? key);
}

export const sdkSchemas: Plugin = {
  name: "sdk-schemas",
  setup(build) {
    build.onLoad({ filter: SCHEMA_FILE }, async ({ path }) => ({
      contents: inlineSchemaKeys(await readFile(path, "utf8")),
      loader: "js",
    }));
  },
};

/**
 * undici's door requires all of it: WebSockets, caches, mocks, fetch (0.7 MB, a fifth of the start). The hub's transport
 * needs `Agent`, `errors` and `request`, the mirrors' `Client` and its `request`; `request` alone is what
 * undici's index.js makes of api-request.js, for a URL and a dispatcher.
 * Importing any other name fails the build ("No matching export"), so nothing can be missing at run time: add it here.
 */
const UNDICI_DOOR = `
  import Agent from "undici/lib/dispatcher/agent.js";
  import BareClient from "undici/lib/dispatcher/client.js";
  import apiRequest from "undici/lib/api/api-request.js";
  import errors from "undici/lib/core/errors.js";
  import util from "undici/lib/core/util.js";
  export { Agent, errors };
  // index.js gives every dispatcher the whole API by its prototype.
  export class Client extends BareClient {
    request(options, callback) {
      return apiRequest.call(this, options, callback);
    }
  }
  export function request(address, { dispatcher, ...options }) {
    const url = util.parseURL(address);
    return apiRequest.call(dispatcher, {
      ...options,
      origin: url.origin,
      path: url.search ? url.pathname + url.search : url.pathname,
      method: options.method || (options.body ? "PUT" : "GET"),
    });
  }
`;

export const undiciClient: Plugin = {
  name: "undici-client",
  setup(build) {
    build.onResolve({ filter: /^undici$/ }, ({ resolveDir }) => ({
      path: "undici",
      namespace: "undici-client",
      pluginData: resolveDir,
      sideEffects: false,
    }));
    build.onLoad({ filter: /.*/, namespace: "undici-client" }, ({ pluginData }) => ({
      contents: UNDICI_DOOR,
      resolveDir: pluginData,
      loader: "js",
    }));
  },
};
