// Certificates for the sandbox, made anew at each start: a CA, the hub's server certificate, and client certificates.

import "reflect-metadata";
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";
import { issueIdentity } from "../../shared/fleet/identity.ts";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const DAY_MS = 86_400_000;
const VALID_DAYS = 365;

export interface CertificateAndKey {
  /** PEM. */
  readonly certificate: string;
  readonly key: string;
}

export interface SandboxCa extends CertificateAndKey {
  /** Certificate and key in one text, as Toji keeps the CA of its builders. */
  readonly pem: string;
  /** For TLS servers on this machine: localhost and 127.0.0.1. */
  issueServer(): Promise<CertificateAndKey>;
  /** Key and certificate of a user or a builder in one text; the common name is the hub's user name. */
  issueClient(commonName: string): Promise<string>;
}

/** A real clock is used: TLS libraries look at the real time, whatever the sandbox's clock says. */
export async function createCa(commonName: string): Promise<SandboxCa> {
  const keys = await generateKeys();
  const ca = await X509CertificateGenerator.createSelfSigned({
    ...validity(),
    name: [{ CN: [commonName] }],
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    ],
  });
  const certificate = ca.toString("pem");
  const key = await keyPem(keys.privateKey);
  const pem = `${certificate}\n${key}\n`;
  return {
    certificate,
    key,
    pem,
    issueServer: async () => {
      const serverKeys = await generateKeys();
      const issued = await X509CertificateGenerator.create({
        ...validity(),
        subject: [{ CN: ["localhost"] }],
        issuer: ca.subjectName,
        publicKey: serverKeys.publicKey,
        signingKey: keys.privateKey,
        signingAlgorithm: ALGORITHM,
        extensions: [
          new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
          new SubjectAlternativeNameExtension([
            { type: "dns", value: "localhost" },
            { type: "ip", value: "127.0.0.1" },
          ]),
        ],
      });
      return { certificate: issued.toString("pem"), key: await keyPem(serverKeys.privateKey) };
    },
    issueClient: (name) => issueIdentity(pem, name, VALID_DAYS * 24, Date.now() / 1000),
  };
}

const generateKeys = () => crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);

const keyPem = async (key: CryptoKey) =>
  PemConverter.encode(await crypto.subtle.exportKey("pkcs8", key), "PRIVATE KEY");

function validity() {
  return { notBefore: new Date(Date.now() - DAY_MS), notAfter: new Date(Date.now() + VALID_DAYS * DAY_MS) };
}
