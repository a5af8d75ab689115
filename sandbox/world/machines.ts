// What happens on an EC2 instance in the sandbox: user data runs, the identity is fetched and checked, kojid starts;
// a spot notice stops kojid in time, the end of the instance does not ask.

import { type KeyObject, X509Certificate } from "node:crypto";
import { parseUserData } from "../../shared/fleet/user-data.ts";
import type { VirtualClock } from "./clock.ts";
import type { BootedInstance } from "./ec2/index.ts";
import type { Hub } from "./hub/index.ts";
import { type Kojid, type KojidInput, startKojid } from "./kojid.ts";
import type { S3Model } from "./s3.ts";
import type { Work } from "./work.ts";

/** The watcher polls the instance metadata this often: infra/hosts/builder/spot-watcher. */
const WATCH_SECONDS = 5;

export interface MachinesInput {
  readonly clock: VirtualClock;
  readonly hub: Hub;
  readonly s3: S3Model;
  readonly work: Work;
  /** PEM certificate of the CA whose identities the hub accepts. */
  readonly identityCa: string;
  /** How an instance is broken, if it is; asked once at its boot. */
  faultOf?(instance: BootedInstance): MachineFault | null;
}

export type MachineFault = "never-checks-in" | "disk-full";

export class Machines {
  readonly #input: MachinesInput;
  readonly #identityKey: KeyObject;
  readonly #kojids = new Map<string, Kojid>();
  readonly #installed = new Map<string, KojidInput>();
  /** Why a boot went wrong, as the instance's console log would say. */
  readonly failures: string[] = [];

  constructor(input: MachinesInput) {
    this.#input = input;
    this.#identityKey = new X509Certificate(input.identityCa).publicKey;
  }

  boot(instance: BootedInstance): void {
    const { hub, clock, work, faultOf } = this.#input;
    const variables = parseUserData(instance.userData);
    const problem = this.#checkIdentity(variables.TOJI_IDENTITY_URL ?? "", variables.TOJI_SLOT ?? "");
    if (problem !== null) {
      this.failures.push(`${instance.instanceId} (${variables.TOJI_SLOT}): ${problem}`);
      return;
    }
    const fault = faultOf?.(instance) ?? null;
    this.#installed.set(instance.instanceId, {
      hub,
      clock,
      work,
      hostName: variables.TOJI_SLOT ?? "",
      maxjobs: Number(variables.TOJI_MAX_JOBS),
      sleepSeconds: Number(variables.TOJI_SLEEP_TIME),
      neverChecksIn: fault === "never-checks-in",
      diskFull: fault === "disk-full",
    });
    this.start(instance.instanceId);
  }

  /** A stopped machine is started again: kojid comes up by itself, with the identity that it has, if it got that far. */
  start(instanceId: string): void {
    const installed = this.#installed.get(instanceId);
    if (installed !== undefined) this.#kojids.set(instanceId, startKojid(installed));
  }

  /** The same checks as infra/hosts/builder/bootstrap makes before kojid starts. */
  #checkIdentity(url: string, slot: string): string | null {
    const answer = this.#input.s3.fetchPresigned(url, this.#input.clock.now());
    if (answer.status !== 200) return `the identity cannot be fetched: ${answer.reason}`;
    const pem = Buffer.from(answer.bytes).toString();
    if (!pem.includes("PRIVATE KEY")) return "the identity has no key";
    const certificate = new X509Certificate(pem.slice(pem.indexOf("-----BEGIN CERTIFICATE-----")));
    if (certificate.subject !== `CN=${slot}`) return `the identity is for ${certificate.subject}`;
    if (!certificate.verify(this.#identityKey)) return "another CA signed the identity";
    return null;
  }

  warn(instanceId: string): void {
    this.#input.clock.after(WATCH_SECONDS, () => this.#kojids.get(instanceId)?.stop());
  }

  lose(instanceId: string): void {
    this.#kojids.get(instanceId)?.kill();
    this.#kojids.delete(instanceId);
  }

  kojidOf(instanceId: string): Kojid | undefined {
    return this.#kojids.get(instanceId);
  }
}
