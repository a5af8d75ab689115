// The hub's systemd units, as far as a backup stops and starts them.

import type { Cancel, VirtualClock } from "../clock.ts";

export interface Unit {
  readonly name: string;
  isActive: boolean;
  /** Works once and ends by itself (koji-gc.service): waited for, never stopped. */
  readonly worksOnce: boolean;
}

/** What a pause has stopped, until somebody or its timer starts it again. */
interface Pause {
  readonly units: Set<string>;
  readonly endsBy: number;
  cancelTimer: Cancel;
}

const USUAL_UNITS: readonly Unit[] = [
  { name: "koji-gc.timer", isActive: true, worksOnce: false },
  { name: "koji-gc.service", isActive: false, worksOnce: true },
  { name: "kojira.service", isActive: true, worksOnce: false },
  { name: "httpd.service", isActive: true, worksOnce: false },
  { name: "postgresql.service", isActive: true, worksOnce: false },
];

export class Units {
  readonly #clock: VirtualClock;
  readonly #units: Map<string, Unit>;
  readonly #pauses = new Map<string, Pause>();

  constructor(clock: VirtualClock) {
    this.#clock = clock;
    this.#units = new Map(USUAL_UNITS.map((unit) => [unit.name, { ...unit }]));
  }

  isActive(name: string): boolean {
    return this.#units.get(name)?.isActive === true;
  }

  worksOnce(name: string): boolean {
    return this.#units.get(name)?.worksOnce === true;
  }

  /** Starts or ends a unit; one that is not installed is installed by it. */
  set(name: string, isActive: boolean): void {
    const unit = this.#units.get(name);
    if (unit === undefined) this.#units.set(name, { name, isActive, worksOnce: false });
    else unit.isActive = isActive;
  }

  /** Names of those that run. */
  active(): string[] {
    return [...this.#units.values()].filter(({ isActive }) => isActive).map(({ name }) => name);
  }

  /** Stops what runs and is no work of once; the timer is armed before, and anew by a repeat. All that is stopped so far. */
  pause(key: string, names: readonly string[], resumeAfterSeconds: number): readonly string[] {
    this.#pauses.get(key)?.cancelTimer();
    const pause = {
      units: this.#pauses.get(key)?.units ?? new Set<string>(),
      endsBy: this.#clock.now() + resumeAfterSeconds,
      cancelTimer: this.#clock.after(resumeAfterSeconds, () => this.resume(key)),
    };
    this.#pauses.set(key, pause);
    for (const name of names) {
      if (!this.isActive(name) || this.worksOnce(name)) continue;
      pause.units.add(name);
      this.set(name, false);
    }
    return [...pause.units];
  }

  resume(key: string): readonly string[] {
    const pause = this.#pauses.get(key);
    if (pause === undefined) return [];
    pause.cancelTimer();
    this.#pauses.delete(key);
    for (const name of pause.units) this.set(name, true);
    return [...pause.units];
  }

  /** Those that a pause has stopped and that should run again by now. */
  overdue(): string[] {
    const now = this.#clock.now();
    return [...this.#pauses.values()].filter(({ endsBy }) => endsBy < now).flatMap(({ units }) => [...units]);
  }

  /** At a boot systemd starts what is enabled; a pause does not disable anything. */
  reboot(): void {
    for (const { cancelTimer } of this.#pauses.values()) cancelTimer();
    this.#pauses.clear();
    for (const unit of this.#units.values()) unit.isActive = !unit.worksOnce;
  }
}
