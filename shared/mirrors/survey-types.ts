// What the hub says of its external repos: which there are, who uses them, and which READY repos were made with them.

import type { MirrorsConfig } from "../config/index.ts";

/** A build tag that takes rpms from an external repo, its own or inherited. */
export interface RepoUse {
  readonly tag: string;
  /** Canonical (i686 is i386), as $arch is replaced; empty = the repo's filter leaves none of the tag's. */
  readonly arches: readonly string[];
  readonly mergeMode: string;
  readonly priority: number;
}

export interface SurveyedRepo {
  readonly id: number;
  readonly name: string;
  /** As the hub has it: with $arch and a slash at its end. */
  readonly url: string;
  readonly uses: readonly RepoUse[];
}

export interface ReadyRepo {
  readonly id: number;
  readonly tag: string;
  readonly arches: readonly string[];
  /** Epoch seconds. */
  readonly createdAt: number;
  /** The newest READY one of its tag: what the next build takes. */
  readonly newest: boolean;
}

/** One address to look at. */
export interface SurveyedLook {
  readonly repo: string;
  readonly arch: string;
  /** With $arch replaced. */
  readonly url: string;
  readonly role: "current";
}

/** A repo whose rpms come from a copy: `file` on the hub's disk, `self-hosted` from the hub's own address. */
export interface LocalRepo {
  readonly repo: string;
  readonly kind: "file" | "self-hosted";
}

export interface Survey {
  /** Epoch seconds. */
  readonly at: number;
  readonly repos: readonly SurveyedRepo[];
  readonly ready: readonly ReadyRepo[];
  readonly looks: readonly SurveyedLook[];
  readonly local: readonly LocalRepo[];
  /** What a person should know: each names the repo, its URL, the tags and what to do. */
  readonly sentences: readonly string[];
}

/** What of the site document a survey goes by. */
export interface SurveySite {
  readonly hub: { readonly url: string; readonly topUrl: string };
  readonly mirrors: Pick<MirrorsConfig, "repos">;
}
