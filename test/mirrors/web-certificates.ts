// Certificates for mirrors in tests, made anew: a CA's good one for this machine, and such as must be refused.

import "reflect-metadata";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  PemConverter,
  SubjectAlternativeNameExtension,
  X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";
import { type CertificateAndKey, createCa, type SandboxCa } from "../../sandbox/server/certificates.ts";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const DAY_MS = 86_400_000;

export interface TestCertificates {
  /** PEM of the CA, as `openFetcher` takes it. */
  readonly ca: string;
  /** The same as a file, for dnf's sslcacert. */
  readonly caFile: string;
  /** For localhost and 127.0.0.1. */
  readonly good: CertificateAndKey;
  /** As good, but it ended yesterday. */
  readonly expired: CertificateAndKey;
  /** By the CA too, for mirror.example.org. */
  readonly otherName: CertificateAndKey;
  /** As good, by a CA that nobody knows. */
  readonly otherCa: CertificateAndKey;
}

/** Writes ca.pem into the folder. */
export async function makeCertificates(folder: string): Promise<TestCertificates> {
  const ca = await createCa("Mirrors of tests");
  const stranger = await createCa("Unknown");
  const caFile = join(folder, "ca.pem");
  writeFileSync(caFile, ca.certificate);
  const own: Names = [
    { type: "dns", value: "localhost" },
    { type: "ip", value: "127.0.0.1" },
  ];
  return {
    ca: ca.certificate,
    caFile,
    good: await ca.issueServer(),
    expired: await issue(ca, own, -1),
    otherName: await issue(ca, [{ type: "dns", value: "mirror.example.org" }], 30),
    otherCa: await stranger.issueServer(),
  };
}

type Names = { type: "dns" | "ip"; value: string }[];

async function issue(ca: SandboxCa, names: Names, endsInDays: number): Promise<CertificateAndKey> {
  const der = PemConverter.decodeFirst(ca.key);
  const signingKey = await crypto.subtle.importKey("pkcs8", der, ALGORITHM, false, ["sign"]);
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const issued = await X509CertificateGenerator.create({
    notBefore: new Date(Date.now() - 2 * DAY_MS),
    notAfter: new Date(Date.now() + endsInDays * DAY_MS),
    subject: [{ CN: ["mirror"] }],
    issuer: new X509Certificate(ca.certificate).subjectName,
    publicKey: keys.publicKey,
    signingKey,
    signingAlgorithm: ALGORITHM,
    extensions: [new SubjectAlternativeNameExtension(names)],
  });
  const key = PemConverter.encode(await crypto.subtle.exportKey("pkcs8", keys.privateKey), "PRIVATE KEY");
  return { certificate: issued.toString("pem"), key };
}
