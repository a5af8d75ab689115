// What is written on the hub's volumes: Koji's tree, its database, or both. Immutable, so that a snapshot is a reference.

import type { VolumeContent } from "../ec2/index.ts";

export interface TreeFile {
  readonly size: number;
  /** Of its bytes. */
  readonly sum: string;
  /** The block that it lies in. */
  readonly block: number;
}

/** A file as the database knows it. */
export interface FileRow {
  readonly path: string;
  readonly size: number;
  readonly sum: string;
}

/** A COMPLETE build with its rpms and archives. */
export interface BuildRow {
  readonly id: number;
  readonly name: string;
  readonly files: readonly FileRow[];
}

export interface Database {
  readonly builds: ReadonlyMap<number, BuildRow>;
  /** Commits so far. */
  readonly commits: number;
  /** PostgreSQL cannot start from it. */
  readonly isBroken: boolean;
}

export interface DiskParts {
  readonly tree: ReadonlyMap<string, TreeFile> | null;
  readonly database: Database | null;
}

/** Where the blocks of each kind begin. */
const FIRST_FILE_BLOCK = 1;
const FIRST_ROW_BLOCK = 1_000_000;
const WAL_BLOCK = 2_000_000;
const WAL_BLOCKS = 64;

export class HubDisk implements VolumeContent {
  readonly tree: ReadonlyMap<string, TreeFile> | null;
  readonly database: Database | null;

  constructor({ tree, database }: DiskParts) {
    this.tree = tree;
    this.database = database;
  }

  static empty(holds: { readonly tree: boolean; readonly database: boolean }): HubDisk {
    const database = { builds: new Map<number, BuildRow>(), commits: 0, isBroken: false };
    return new HubDisk({ tree: holds.tree ? new Map() : null, database: holds.database ? database : null });
  }

  blocks(): ReadonlyMap<number, string> {
    const blocks = new Map<number, string>([[0, "superblock"]]);
    for (const [path, { size, sum, block }] of this.tree ?? [])
      blocks.set(FIRST_FILE_BLOCK + block, `${path} ${size} ${sum}`);
    if (this.database !== null) {
      const { builds, commits } = this.database;
      for (const { id, name } of builds.values()) blocks.set(FIRST_ROW_BLOCK + id, name);
      const last = Math.max(0, commits - WAL_BLOCKS);
      for (let commit = commits; commit > last; commit--) blocks.set(WAL_BLOCK + (commit % WAL_BLOCKS), `${commit}`);
    }
    return blocks;
  }

  withFiles(files: readonly FileRow[]): HubDisk {
    const tree = new Map(this.tree ?? []);
    let block = 0;
    for (const each of tree.values()) block = Math.max(block, each.block + 1);
    for (const { path, size, sum } of files) tree.set(path, { size, sum, block: tree.get(path)?.block ?? block++ });
    return new HubDisk({ tree, database: this.database });
  }

  withoutFiles(paths: readonly string[]): HubDisk {
    const tree = new Map(this.tree ?? []);
    for (const path of paths) tree.delete(path);
    return new HubDisk({ tree, database: this.database });
  }

  withBuild(build: BuildRow): HubDisk {
    const builds = new Map(this.#rows.builds).set(build.id, build);
    return this.#commit({ ...this.#rows, builds });
  }

  withoutBuild(id: number): HubDisk {
    const builds = new Map(this.#rows.builds);
    builds.delete(id);
    return this.#commit({ ...this.#rows, builds });
  }

  withBrokenDatabase(): HubDisk {
    return new HubDisk({ tree: this.tree, database: { ...this.#rows, isBroken: true } });
  }

  #commit(database: Database): HubDisk {
    return new HubDisk({ tree: this.tree, database: { ...database, commits: database.commits + 1 } });
  }

  get #rows(): Database {
    if (this.database === null) throw new Error("this volume holds no database");
    return this.database;
  }
}

/** What the drill's comparison finds, by its kinds: infra/hosts/hub/drill/check-tree and check-payloads. */
export interface Difference {
  readonly kind: "missing-file" | "wrong-size" | "wrong-checksum-of-archive";
  readonly path: string;
}

/** Where the database's files and the tree's differ. Files without a row do no harm. Pure. */
export function compareDisks({ builds }: Database, tree: ReadonlyMap<string, TreeFile>): Difference[] {
  const rows = [...builds.values()].flatMap(({ files }) => files);
  return rows.flatMap(({ path, size, sum }): Difference[] => {
    const file = tree.get(path);
    if (file === undefined) return [{ kind: "missing-file", path }];
    if (file.size !== size) return [{ kind: "wrong-size", path }];
    return file.sum === sum ? [] : [{ kind: "wrong-checksum-of-archive", path }];
  });
}
