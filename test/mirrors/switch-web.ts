// Mirrors and a hub's tree on the sandbox's web: small repositories by the names of their packages.

import { MemoryWeb } from "../../sandbox/mirrors/memory-web.ts";
import { makeRepository, type PackageSeed, type Repository } from "../../sandbox/mirrors/repository.ts";
import type { Answered, Asked } from "../../shared/mirrors/fetcher.ts";

export const packageOf = (name: string): PackageSeed => ({ name, version: "1.0", release: "1", arch: "noarch" });

export class SwitchWeb extends MemoryWeb {
  readonly #mirrors = new Map<string, Repository>();
  /** What was asked for by HEAD. */
  readonly headed: string[] = [];

  publish(base: string, packages: readonly PackageSeed[], timestamp: number): void {
    const repository = makeRepository({ packages, timestamp });
    this.serve(base, repository.files);
    this.#mirrors.set(base, repository);
  }

  /** What a merged repo takes from a mirror; nothing where that has nothing. */
  packagesFrom(base: string): readonly PackageSeed[] {
    return (this.#mirrors.get(base)?.packages ?? []).map((each) => ({ ...packageOf(each.name), base }));
  }

  /** Of one repository, what has the word in its path. */
  dropFrom(base: string, word: string): void {
    for (const path of this.#mirrors.get(base)?.files.keys() ?? []) if (path.includes(word)) this.drop(base + path);
  }

  override async head(url: string, asked: Asked): Promise<Answered> {
    this.headed.push(url);
    return await super.head(url, asked);
  }
}
