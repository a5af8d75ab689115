// The inner door of shared/mirrors: all that one look and its verdict need, and nothing behind it brings AWS or a hub.
export type { MirrorFetcher } from "./fetcher.ts";
export { gather, type LookOrder } from "./gather.ts";
export { eachOf } from "./gather-parts.ts";
export { openFetcher } from "./http.ts";
export { judge } from "./judge.ts";
export { lookSettings, rulesForArch } from "./look-order.ts";
export { expandArch, rulesOf } from "./rules.ts";
export { acceptedSchema } from "./states.ts";
export type { Accepted, Depth, Evidence, Judgement, MirrorRules } from "./types.ts";
