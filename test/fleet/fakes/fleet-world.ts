// EC2, hub, bucket and builders together on one clock: passes run in it, and the rules are checked at every step.

import "reflect-metadata";
import { BasicConstraintsExtension, X509CertificateGenerator } from "@peculiar/x509";
import type { Clock } from "../../../shared/clock.ts";
import { type Site, slotNames } from "../../../shared/config/index.ts";
import { runInvocation } from "../../../shared/fleet/pass.ts";
import type { FleetPorts } from "../../../shared/fleet/ports.ts";
import { runSweep } from "../../../shared/fleet/sweep.ts";
import { BUILDER_FILES, parseUserData, renderUserData } from "../../../shared/fleet/user-data.ts";
import { DEFAULT_HUB_OPTIONS, TASK_STATE } from "../../../shared/hub/index.ts";
import { NOW } from "../world.ts";
import { FakeEc2, type FakeInstance } from "./ec2.ts";
import { FakeHub } from "./hub.ts";
import { Scalpel } from "./scalpel.ts";
import { FakeStore } from "./store.ts";

const STEP_SECONDS = 5;

export class VirtualClock implements Clock {
  #now = NOW;
  /** Called for every step of time. */
  onStep: () => void = () => {};
  now(): number {
    return this.#now;
  }
  async sleep(seconds: number): Promise<void> {
    this.pass(seconds);
  }
  pass(seconds: number): void {
    const end = this.#now + seconds;
    while (this.#now < end) {
      this.#now = Math.min(end, this.#now + STEP_SECONDS);
      this.onStep();
    }
  }
}

/** A CA for identities, made once. */
export const identityCa: Promise<string> = makeCa();

async function makeCa(): Promise<string> {
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: "CN=Test CA",
    keys,
    signingAlgorithm: algorithm,
    extensions: [new BasicConstraintsExtension(true)],
  });
  const der = Buffer.from(await crypto.subtle.exportKey("pkcs8", keys.privateKey)).toString("base64");
  return `${certificate.toString("pem")}\n-----BEGIN PRIVATE KEY-----\n${der}\n-----END PRIVATE KEY-----\n`;
}

export const SCRIPTS = Object.fromEntries(BUILDER_FILES.map((path) => [path, "#\n"]));

/** As a launch of the slot would have it. */
export function userDataOf(slot: string): string {
  const addresses = { hubUrl: "https://hub.test/kojihub", topUrl: "https://hub.test/kojifiles" };
  const identityUrl = `https://bucket.test/identities/${slot}/0a.pem?expires=900`;
  return renderUserData({ slot, ...addresses, identityUrl, maxJobs: 10, minSpaceMb: 8192, sleepSeconds: 15 }, SCRIPTS);
}

const slots = new Map<string, string>();

function slotIn(userData: string): string {
  const known = slots.get(userData) ?? parseUserData(userData).TOJI_SLOT ?? "";
  slots.set(userData, known);
  return known;
}

export class FleetWorld {
  readonly clock = new VirtualClock();
  readonly scalpel = new Scalpel();
  readonly hub = new FakeHub(this.scalpel);
  readonly ec2 = new FakeEc2(this.clock, this.scalpel);
  readonly store = new FakeStore(this.scalpel);
  readonly said: string[] = [];
  /** Rules that were broken, as sentences. */
  readonly broken = new Set<string>();
  /** Instances on which kojid never starts. */
  readonly deaf = new Set<string>();
  /** Instances whose kojid is never ready: short of disk. */
  readonly unready = new Set<string>();
  /** Whether an invocation may end in an error, as Lambda counts it. */
  mayFail = false;
  /** How long a task runs once it is open. */
  taskSeconds = 300;
  site: Site;
  readonly #checkedIn = new Set<string>();
  readonly #seen = new Set<string>();
  readonly #intoEnabled = new Set<string>();
  readonly #later: { readonly at: number; readonly run: () => void }[] = [];
  #lastRun = 0;
  #invocations = 0;

  constructor(site: Site) {
    this.site = site;
    this.clock.onStep = () => this.#step();
    this.ec2.onTerminate = ({ id, tags }) => {
      const held = this.hub.heldBy(tags.get("toji:slot") ?? "");
      if (held.length > 0) this.broken.add(`${id} was terminated while it held task ${held[0]?.id}`);
    };
  }

  get slots(): string[] {
    return this.site.builders.profiles.flatMap((profile) => slotNames(profile.slots));
  }

  get ports(): FleetPorts {
    return {
      site: this.site,
      clock: this.clock,
      hubReader: this.hub.connection,
      hubWriter: async () => this.hub.connection,
      ec2: this.ec2.client,
      store: this.store,
      telemetry: {
        info: (sentence) => this.said.push(sentence),
        warn: (sentence) => this.said.push(sentence),
        metric: () => {},
      },
      launchTemplateId: "lt-0a",
      scripts: SCRIPTS,
      identityCa: () => identityCa,
      hubCa: async () => undefined,
    };
  }

  /** One tick of the schedule: an invocation, cut off or not, and the rest of its minute. */
  async tick(): Promise<void> {
    const end = this.clock.now() + 60;
    this.#invocations += 1;
    try {
      await runInvocation(this.ports, { channelIds: [] }, `invocation-${this.#invocations}`);
    } catch (error) {
      if (!this.scalpel.isDead && !this.mayFail) throw error;
    }
    if (this.scalpel.isDead) this.scalpel.revive();
    this.clock.pass(Math.max(0, end - this.clock.now()));
  }

  /** The sweep that follows when all is over: three times, for as long as a marker takes to be old enough. */
  async sweep(): Promise<void> {
    const listing = async (prefix: string) => this.store.keys(prefix).map((key) => ({ key, writtenAt: 0 }));
    for (let round = 0; round < 3; round++) {
      await runSweep({ ...this.ports, listing });
      this.clock.pass(1800);
    }
  }

  async ticks(count: number): Promise<void> {
    for (let index = 0; index < count; index++) await this.tick();
  }

  /** Runs something `seconds` from now, in the middle of whatever goes on. */
  after(seconds: number, run: () => void): void {
    this.#later.push({ at: this.clock.now() + seconds, run });
  }

  /** A builder that serves: as a launch of an hour ago left it. */
  addServing(slot: string): FakeInstance {
    const now = this.clock.now();
    const profile = this.site.builders.profiles.find((each) => slotNames(each.slots).includes(slot));
    if (profile === undefined) throw new Error(`no profile has ${slot}`);
    this.hub.addHost({
      name: slot,
      arches: profile.arches.join(" "),
      capacity: profile.capacity,
      ready: true,
      update_ts: now - 5,
      channels: this.hub.channels.filter(({ name }) => profile.channels.includes(name)).map(({ id }) => id),
      data: { maxjobs: profile.maxJobs },
    });
    const instance: FakeInstance = {
      id: `i-old-${slot}`,
      state: "running",
      since: now - 3500,
      type: profile.offerings[0]?.instanceType ?? "",
      subnet: "subnet-0a",
      market: "spot",
      launchedAt: now - 3600,
      version: "1",
      image: profile.imageId,
      userData: userDataOf(slot),
      tags: new Map([
        ["toji:fleet", this.site.builders.fleet],
        ["toji:slot", slot],
        ["toji:profile", profile.name],
        ["toji:check-in-after", "never"],
        ["toji:enabled-at", String(now - 3400)],
      ]),
    };
    this.ec2.instances.push(instance);
    this.#checkedIn.add(instance.id);
    return instance;
  }

  /** A builder outside the pool that polls and serves a channel nobody asks for: it keeps the scheduler going. */
  addOutsider(): void {
    this.hub.addHost({ name: "outsider", channels: [2], ready: true, update_ts: this.clock.now(), capacity: 4 });
  }

  /** What must come out the same however a run was cut. */
  endState(): object {
    const slots = this.slots.map((slot) => {
      const host = this.hub.hosts.find((each) => each.name === slot);
      const live = this.ec2.live(slot).map((each) => ({
        state: each.state,
        type: each.type,
        market: each.market,
        marks: [...each.tags.keys()].filter((key) => key.endsWith("-at")).sort(),
      }));
      const channels = host?.channels.toSorted();
      return {
        slot,
        live,
        host: host && { enabled: host.enabled, arches: host.arches, capacity: host.capacity, channels },
      };
    });
    const tasks = this.hub.tasks.map(({ id, state }) => ({ id, state }));
    return { slots, tasks };
  }

  /** Of launches: what is left once they are over. */
  leftovers(): object {
    return { identities: this.store.keys("identities/").length, versions: this.ec2.versions.size };
  }

  #step(): void {
    const due = this.#later.filter((each) => each.at <= this.clock.now());
    for (const each of due) this.#later.splice(this.#later.indexOf(each), 1);
    for (const each of due) each.run();
    this.ec2.step();
    for (const instance of this.ec2.instances) {
      if (instance.state === "running") this.#kojid(instance);
    }
    for (const host of this.hub.hosts) if (host.name === "outsider") this.#poll(host.name);
    this.#checkRules();
  }

  /** 60 s after EC2 says running kojid starts, if its identity can still be fetched; then it polls. */
  #kojid(instance: FakeInstance): void {
    // What its user data says: persons may take its tags.
    const slot = slotIn(instance.userData);
    const now = this.clock.now();
    if (this.deaf.has(instance.id) || now - instance.since < 60) return;
    if (!this.#checkedIn.has(instance.id) && !this.#fetchIdentity(instance)) return;
    if (!this.#checkedIn.has(instance.id)) this.#giveBackUnknown(slot);
    this.#checkedIn.add(instance.id);
    this.#poll(slot, !this.unready.has(instance.id));
  }

  /** A new kojid frees the open tasks of its host that it knows nothing of (facts: koji-hub-api 4.6). */
  #giveBackUnknown(slot: string): void {
    if (this.hub.away !== null) return;
    for (const task of this.hub.heldBy(slot)) {
      if (task.state !== TASK_STATE.OPEN) continue;
      Object.assign(task, { state: TASK_STATE.FREE, host_id: null });
      for (const run of this.hub.runs) if (run.task_id === task.id) run.active = false;
    }
  }

  #fetchIdentity(instance: FakeInstance): boolean {
    const version = this.ec2.versions.get(Number(instance.version));
    if (version === undefined) return false;
    const url = new URL(parseUserData(version.userData).TOJI_IDENTITY_URL ?? "");
    const expired = this.clock.now() - version.madeAt > Number(url.searchParams.get("expires"));
    return !expired && this.store.objects.has(url.pathname.slice(1));
  }

  #poll(slot: string, sound = true): void {
    if (this.hub.away !== null) return;
    const now = this.clock.now();
    const host = this.hub.host(slot);
    const held = this.hub.heldBy(slot);
    host.update_ts = now;
    host.data = { maxjobs: 10 };
    for (const task of held) {
      if (task.state === TASK_STATE.ASSIGNED && host.enabled && sound) {
        task.state = TASK_STATE.OPEN;
        task.start_ts = now;
      } else if (task.state === TASK_STATE.OPEN && now - (task.start_ts ?? now) >= this.taskSeconds) {
        task.state = TASK_STATE.CLOSED;
        for (const run of this.hub.runs) if (run.task_id === task.id) run.active = false;
      }
    }
    host.ready = sound && host.enabled && held.length < 10;
    if (host.ready && now - this.#lastRun >= DEFAULT_HUB_OPTIONS.runInterval) {
      this.#lastRun = now;
      this.hub.runScheduler(now);
    }
  }

  #checkRules(): void {
    for (const slot of this.slots) {
      const live = this.ec2.live(slot);
      if (live.length > 1) this.broken.add(`two instances in ${slot}: ${live.map((each) => each.id).join(", ")}`);
      const host = this.hub.hosts.find((each) => each.name === slot);
      for (const each of live) {
        // A builder was lost in the slot, and its host stays enabled for the tasks that it held.
        if (host?.enabled && !this.#seen.has(each.id)) this.#intoEnabled.add(each.id);
        this.#seen.add(each.id);
        if (this.#intoEnabled.has(each.id)) continue;
        const up = each.state === "pending" || each.state === "running";
        if (!host?.enabled || !up || this.#checkedIn.has(each.id)) continue;
        // The hub gives nothing to a host that it has not heard of for ReadyTimeout.
        const silentSeconds = this.clock.now() - (host.update_ts ?? Number.NEGATIVE_INFINITY);
        if (silentSeconds <= DEFAULT_HUB_OPTIONS.readyTimeout)
          this.broken.add(`${slot} is enabled before ${each.id} checked in, and the hub takes it for ready`);
        if (this.hub.heldBy(slot).length > 0) this.broken.add(`${slot} was given a task before ${each.id} checked in`);
      }
    }
    for (const profile of this.site.builders.profiles) {
      const count = slotNames(profile.slots).flatMap((slot) => this.ec2.live(slot)).length;
      if (count > (profile.max ?? profile.slots.count)) this.broken.add(`${count} builders of ${profile.name}`);
    }
  }
}
