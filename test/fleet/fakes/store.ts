// The bucket as its users see it: texts by key, conditional writes.

import { type ObjectStore, StoreConflict } from "../../../shared/aws/store.ts";
import { Scalpel } from "./scalpel.ts";

export class FakeStore implements ObjectStore {
  readonly objects = new Map<string, { readonly text: string; readonly etag: string }>();
  readonly #scalpel: Scalpel;
  #writes = 0;

  constructor(scalpel = new Scalpel()) {
    this.#scalpel = scalpel;
  }

  async get(key: string) {
    this.#scalpel.check();
    return this.objects.get(key) ?? null;
  }

  async put(key: string, text: string, expect?: string) {
    this.#scalpel.check();
    const there = this.objects.get(key)?.etag ?? "absent";
    if (expect !== undefined && expect !== there) throw new StoreConflict(key);
    this.#writes += 1;
    const etag = `"${this.#writes}"`;
    this.objects.set(key, { text, etag });
    this.#scalpel.did(`put ${key}`);
    return { etag };
  }

  async remove(key: string) {
    this.#scalpel.check();
    this.objects.delete(key);
    this.#scalpel.did(`remove ${key}`);
  }

  async presign(key: string, expiresInSeconds: number) {
    this.#scalpel.check();
    return `https://bucket.test/${key}?expires=${expiresInSeconds}`;
  }

  keys(prefix: string): string[] {
    return [...this.objects.keys()].filter((key) => key.startsWith(prefix)).sort();
  }
}
