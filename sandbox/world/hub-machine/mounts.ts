// The hub's file systems: which volume is mounted where, who is frozen since when, and what waits to be written.

import type { Cancel, VirtualClock } from "../clock.ts";
import type { Storage } from "../ec2/index.ts";
import { HubDisk } from "./disk.ts";

export interface MountPoints {
  readonly tree: string;
  readonly database: string;
}

/** One time that a file system stood still. */
export interface Freeze {
  readonly mount: string;
  readonly key: string;
  readonly from: number;
  readonly limitSeconds: number;
  to: number | null;
  by: "explicit" | "timer" | "reboot" | null;
}

interface Frozen {
  readonly freeze: Freeze;
  readonly cancelTimer: Cancel;
}

export class Mounts {
  readonly points: MountPoints;
  /** Every freeze so far. */
  readonly freezes: Freeze[] = [];
  readonly #clock: VirtualClock;
  readonly #storage: Storage;
  readonly #instanceId: string;
  readonly #mounted = new Map<string, string>();
  readonly #frozen = new Map<string, Frozen>();
  readonly #waiting: { readonly mount: string; readonly write: () => void }[] = [];

  constructor(clock: VirtualClock, storage: Storage, instanceId: string, points: MountPoints) {
    this.#clock = clock;
    this.#storage = storage;
    this.#instanceId = instanceId;
    this.points = points;
  }

  /** The tree first; one if they share a volume. */
  all(): string[] {
    return [...new Set([this.points.tree, this.points.database])];
  }

  volumeOf(mount: string): string | null {
    return this.#mounted.get(mount) ?? null;
  }

  /** Finds the attached volume by what it holds, as a file system is found by its UUID. False = there is none. */
  mount(mount: string): boolean {
    if (this.#mounted.has(mount)) return true;
    const taken = new Set(this.#mounted.values());
    const found = this.#storage
      .disksOf(this.#instanceId)
      .find(
        ({ volumeId, content }) => !taken.has(volumeId) && content instanceof HubDisk && this.#fits(mount, content),
      );
    if (found === undefined) return false;
    this.#mounted.set(mount, found.volumeId);
    this.#storage.setMounted(found.volumeId, true);
    return true;
  }

  unmount(mount: string): void {
    const volumeId = this.#mounted.get(mount);
    if (volumeId === undefined) return;
    this.#mounted.delete(mount);
    this.#storage.setMounted(volumeId, false);
  }

  /** What is on the volume that is mounted there, or null. */
  diskOf(kind: keyof MountPoints): HubDisk | null {
    const volumeId = this.#mounted.get(this.points[kind]);
    const content = volumeId === undefined ? null : this.#storage.contentOf(volumeId);
    return content instanceof HubDisk ? content : null;
  }

  /** Now, or as soon as the file system is thawed. A write to what is not mounted is lost with an error. */
  write(kind: keyof MountPoints, change: (disk: HubDisk) => HubDisk): void {
    const mount = this.points[kind];
    const write = () => {
      const volumeId = this.#mounted.get(mount);
      const disk = this.diskOf(kind);
      if (volumeId === undefined || disk === null) throw new Error(`${mount} is not mounted on ${this.#instanceId}`);
      this.#storage.write(volumeId, change(disk));
    };
    // What is behind a waiting write waits too: the order of writes stays.
    if (this.#frozen.has(mount) || this.#waiting.length > 0) this.#waiting.push({ mount, write });
    else write();
  }

  isFrozen(mount: string): boolean {
    return this.#frozen.has(mount);
  }

  /** The timer that thaws is armed first; it lives on the host, so nothing but a reboot stops it. */
  freeze(mount: string, key: string, limitSeconds: number): void {
    const freeze: Freeze = { mount, key, from: this.#clock.now(), limitSeconds, to: null, by: null };
    const cancelTimer = this.#clock.after(limitSeconds, () => this.#end(mount, "timer"));
    this.freezes.push(freeze);
    this.#frozen.set(mount, { freeze, cancelTimer });
  }

  /** False = it was not frozen. */
  thaw(mount: string): boolean {
    return this.#end(mount, "explicit");
  }

  /** Nothing is frozen or mounted any more; what waited in memory is lost. */
  powerOff(): void {
    this.#waiting.length = 0;
    for (const mount of [...this.#frozen.keys()]) this.#end(mount, "reboot");
    for (const mount of [...this.#mounted.keys()]) this.unmount(mount);
  }

  #end(mount: string, by: "explicit" | "timer" | "reboot"): boolean {
    const frozen = this.#frozen.get(mount);
    if (frozen === undefined) return false;
    frozen.cancelTimer();
    frozen.freeze.to = this.#clock.now();
    frozen.freeze.by = by;
    this.#frozen.delete(mount);
    while (this.#waiting[0] !== undefined && !this.#frozen.has(this.#waiting[0].mount)) this.#waiting.shift()?.write();
    return true;
  }

  #fits(mount: string, disk: HubDisk): boolean {
    const wantsTree = mount === this.points.tree;
    const wantsDatabase = mount === this.points.database;
    return (!wantsTree || disk.tree !== null) && (!wantsDatabase || disk.database !== null);
  }
}
