// What is known of a mirror: the evidence of one look at it, the verdict, and what is remembered between looks.
// Times are epoch seconds, sizes bytes, digests lower-case hexadecimal unless said otherwise.

/** `head`: repomd.xml and the sizes of its records. `metadata`: every record in full. `full`: rpms too. */
export type Depth = "head" | "metadata" | "full";

/** Best first: a heavier one hides the lighter ones, for of what did not answer nothing else can be said. */
export const VERDICTS = ["ok", "lagging", "partial", "rolled_back", "tampered", "moved", "unreachable"] as const;
export type Verdict = (typeof VERDICTS)[number];

export type ProblemKind =
  // No answer, or not the whole of one.
  | "dns"
  | "refused"
  | "reset"
  | "timeout"
  | "tls"
  | "certificate"
  | "network"
  /** The time of the whole look was used up. */
  | "budget"
  // An answer that is none.
  | "status"
  | "redirect-loop"
  /** https led to http. */
  | "downgrade"
  /** Not http or https, or with a user and password. */
  | "address"
  // What came is not what was promised.
  | "too-large"
  | "size"
  | "checksum"
  | "open-size"
  | "open-checksum"
  | "header-checksum"
  | "decompress"
  | "entities"
  | "schema"
  /** A form that is not known here: a checksum type, a compression. */
  | "unknown-form"
  | "rpm-header"
  | "rpm-payload";

/** What went wrong with one answer; `detail` is half a sentence for a person: "HTTP 404", "1024 of 4096 bytes came". */
export interface Problem {
  readonly kind: ProblemKind;
  readonly detail: string;
  /** HTTP status, where there was one. */
  readonly status?: number;
}

/** One redirect that was followed. */
export interface Hop {
  readonly from: string;
  readonly to: string;
  readonly status: number;
}

export interface TlsFacts {
  /** "TLSv1.3". */
  readonly protocol: string;
  /** When the server's certificate ends. */
  readonly validTo: number;
}

export type ChecksumType = "md5" | "sha1" | "sha224" | "sha256" | "sha384" | "sha512";

export interface Checksum {
  readonly type: ChecksumType;
  readonly value: string;
}

/** A `data` element of repomd.xml. */
export interface RepomdRecord {
  /** primary, filelists, other, group, modules, updateinfo, primary_db, primary_zck, ... */
  readonly type: string;
  /** Relative to the repository's base, or absolute where an xml:base says so. */
  readonly href: string;
  readonly checksum: Checksum;
  /** Of a group that is listed uncompressed, and of what has only one form, null. */
  readonly openChecksum: Checksum | null;
  readonly headerChecksum: Checksum | null;
  readonly timestamp: number;
  readonly size: number | null;
  readonly openSize: number | null;
  readonly headerSize: number | null;
}

export interface Repomd {
  /** Any text; createrepo_c writes epoch seconds. Empty when there is none. */
  readonly revision: string;
  /** The largest timestamp of a record: what librepo and kojira call the age of the repository. */
  readonly timestamp: number;
  readonly records: readonly RepomdRecord[];
}

/** One form of repomd.xml that a metalink stands for. */
export interface MetalinkForm {
  readonly timestamp: number | null;
  readonly size: number | null;
  readonly hashes: readonly Checksum[];
}

export interface Metalink {
  readonly newest: MetalinkForm;
  /** Older ones that are still acceptable. */
  readonly alternates: readonly MetalinkForm[];
  /** Addresses of repomd.xml, http and https only, best first. */
  readonly urls: readonly string[];
}

/** How the configured address became the base of a repository. */
export interface Resolution {
  readonly kind: "static" | "mirrorlist" | "metalink";
  readonly bases: readonly string[];
  readonly problem: Problem | null;
}

export interface RepomdSeen {
  readonly sha256: string;
  readonly size: number;
  /** Digests in the forms that metalinks name. */
  readonly digests: Readonly<Record<"md5" | "sha1" | "sha256" | "sha512", string>>;
  readonly content: Repomd;
}

/** The second look at repomd.xml, after everything else was read. */
export type SecondLook = { readonly sha256: string } | { readonly problem: Problem };

/** What was compared with upstream: a reference URL's repomd.xml, or a metalink. */
export type ReferenceSeen =
  | { readonly kind: "reference"; readonly url: string; readonly sha256: string; readonly timestamp: number }
  | { readonly kind: "metalink"; readonly url: string; readonly metalink: Metalink }
  | { readonly kind: "problem"; readonly url: string; readonly problem: Problem };

/** repomd.xml.asc against the pinned keys. */
export type SignatureSeen =
  | { readonly state: "good"; readonly keyId: string }
  | { readonly state: "bad"; readonly detail: string }
  | { readonly state: "missing"; readonly problem: Problem };

export interface RecordSeen {
  readonly type: string;
  readonly href: string;
  /** Whether the whole of it was read, or only its size asked for. */
  readonly read: boolean;
  readonly problem: Problem | null;
  /** What could not be looked at, although nothing was wrong; null = everything was. */
  readonly skipped: string | null;
}

/** What primary.xml lists. */
export interface PackagesSeen {
  readonly count: number;
  /** The count that primary.xml promises in its first element; null = none. */
  readonly promised: number | null;
  readonly index: PackageIndex;
  /** Bases by which it names rpms outside of the repository (xml:base, whole addresses): one for each host, at most 10. */
  readonly elsewhere: readonly string[];
  /** Some that have the same name, epoch, version, release and arch as another, with other content. */
  readonly clashes: readonly string[];
  /** Those that changed their content since the index of the last accepted state, some of them by name. */
  readonly changed: { readonly count: number; readonly names: readonly string[] } | null;
}

/** Packed: for each package 8 bytes of a digest of its NEVRA, then 4 of its content checksum, sorted; base64. */
export interface PackageIndex {
  readonly packed: string;
}

/** An rpm that was asked for. */
export interface RpmSeen {
  readonly url: string;
  /** Read in full and its digests compared, or its size asked for. */
  readonly read: boolean;
  readonly problem: Problem | null;
}

/** An rpm of the sample that is asked for at each look. */
export interface SampledRpm {
  readonly href: string;
  readonly size: number;
  readonly checksum: Checksum;
}

/** The rpms of READY repos of the hub that come from this URL. */
export interface LiveSeen {
  /** Names of tags whose READY repos were looked at. */
  readonly tags: readonly string[];
  readonly total: number;
  /** So many were asked for in this look: all that the metadata no longer lists, and some of the others. */
  readonly asked: number;
  readonly missing: readonly { readonly url: string; readonly tags: readonly string[]; readonly problem: Problem }[];
}

/** Everything one look at one (URL, arch) found. */
export interface Evidence {
  /** As configured, with $arch replaced. */
  readonly url: string;
  readonly arch: string;
  readonly depth: Depth;
  readonly at: number;
  readonly resolution: Resolution;
  /** The base that was looked at; null = none answered. Ends in a slash. */
  readonly base: string | null;
  readonly repomd: RepomdSeen | { readonly problem: Problem };
  readonly second: SecondLook | null;
  readonly reference: ReferenceSeen | null;
  readonly signature: SignatureSeen | null;
  /** Redirects of repomd.xml and everything else that was asked, each once. */
  readonly hops: readonly Hop[];
  /** Of the base's host; null for http. */
  readonly tls: TlsFacts | null;
  readonly records: readonly RecordSeen[];
  /** null = primary was not read in this look. */
  readonly packages: PackagesSeen | null;
  readonly rpms: readonly RpmSeen[];
  /** For the next looks; empty = primary was not read. */
  readonly sample: readonly SampledRpm[];
  readonly live: LiveSeen | null;
  readonly bytes: number;
  readonly requests: number;
  /** Until the first answer's head; null = there was none. */
  readonly latencyMilliseconds: number | null;
  readonly milliseconds: number;
}

/** What proves who made the metadata. Each that is given must hold; none given is told as unproven. */
export interface Trust {
  /** Armored public keys that may have signed repomd.xml. */
  readonly keys: readonly string[];
  readonly metalink: string | null;
  /** Upstream's own copy of the same repository. */
  readonly reference: string | null;
}

/** The rules of one repo: config put together with its defaults. */
export interface MirrorRules {
  readonly trust: Trust;
  /** Hosts besides the URL's own where a redirect may end: names, or ".example.org" for all below it. */
  readonly redirectHosts: readonly string[];
  readonly lagBudgetSeconds: number;
  /** How old an alternate of a metalink may be against its newest form. */
  readonly alternateAgeSeconds: number;
  /** Alternates do not count (an emergency upstream). */
  readonly onlyNewest: boolean;
  readonly maxPackageDropPercent: number;
  /** sha256 of repomd.xml that a person has looked at: not rolled back, not tampered for changed packages or their number. */
  readonly acceptedByHand: readonly string[];
  readonly certificateWarningDays: number;
}

/** Metadata that was judged and accepted: what later looks are measured against. */
export interface Accepted {
  readonly repomdSha256: string;
  readonly revision: string;
  readonly timestamp: number;
  readonly at: number;
  /** null = primary has not been read yet. */
  readonly packages: number | null;
  readonly index: PackageIndex | null;
  readonly sample: readonly SampledRpm[];
  /** When all records of exactly this repomd.xml were last read and found whole; null = never. */
  readonly verifiedAt: number | null;
  /** sha256 of repomd.xml that a reference or metalink has vouched for, newest first, at most 50. */
  readonly vouched: readonly string[];
}

export type CheckName =
  | "resolve"
  | "fetch"
  | "tls"
  | "redirects"
  | "schema"
  | "stable"
  | "authenticity"
  | "monotonic"
  | "lag"
  | "records"
  | "packages"
  | "nevra"
  | "rpms"
  | "live";

export interface Check {
  readonly name: CheckName;
  readonly ok: boolean;
  readonly detail: string;
}

export interface Metadata {
  readonly revision: string;
  readonly timestamp: number;
  readonly repomdSha256: string;
}

export interface Judgement {
  readonly verdict: Verdict;
  readonly checks: readonly Check[];
  /** As seen now; null when no repomd.xml could be read. */
  readonly metadata: Metadata | null;
  /** What later looks are to be measured against: this look's if it may be, else the last one's. */
  readonly accepted: Accepted | null;
  /** A build may take packages from it: the mirror itself is fine, even if a READY repo is behind it. */
  readonly trusted: boolean;
  /** Seconds behind the reference; null = there was nothing to compare with. */
  readonly lagSeconds: number | null;
}
