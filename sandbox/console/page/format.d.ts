// Types of format.js: it is plain JavaScript because the browser loads it as it is.

import type { BuilderView } from "../../../shared/fleet/types.ts";

export function formatClock(epochSeconds: number): string;
export function formatTime(epochSeconds: number): string;
export function formatDuration(seconds: number): string;
export function formatDollars(dollars: number): string;
export function formatNumber(value: number): string;
export function formatLoad(load: number, capacity: number | undefined): string;
export function shortNames(names: readonly string[]): ReadonlyMap<string, string>;
export function countPhases(builders: readonly Pick<BuilderView, "phase">[]): [BuilderView["phase"], number][];
export function foldChanges(changes: readonly string[]): { readonly verb: string; readonly rest: string }[];
