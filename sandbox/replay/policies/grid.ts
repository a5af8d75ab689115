// The parameters that tuning in hindsight tries: every combination of a family's values, the owner's defaults first.

import type { Family, Params } from "./policy.ts";

/** A family's share of replays for one trace, so that no family wins by being searched longer. */
const MOST_REPLAYS = 80;

/** A grid that cannot be replayed as it stands. */
export class GridError extends Error {
  override readonly name = "GridError";
}

/** In one order always: as the names and values stand in the grid, the last name fastest. */
export function gridOf(family: Family): Params[] {
  const names = Object.keys(family.grid);
  const unknown = names.find((name) => !(name in family.defaults));
  if (unknown !== undefined) {
    throw new GridError(`the grid of ${family.name} has "${unknown}": give it a value in the defaults too`);
  }
  let combinations: Params[] = [family.defaults];
  for (const name of names) {
    const values = family.grid[name] ?? [];
    combinations = combinations.flatMap((params) => values.map((value) => ({ ...params, [name]: value })));
  }
  const isDefault = (params: Params) => names.every((name) => params[name] === family.defaults[name]);
  const grid = [family.defaults, ...combinations.filter((params) => !isDefault(params))];
  if (grid.length > MOST_REPLAYS) {
    throw new GridError(`the grid of ${family.name} has ${grid.length} combinations: keep it to ${MOST_REPLAYS}`);
  }
  return grid;
}
