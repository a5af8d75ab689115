// A CA, and what it signs, for TLS servers and clients that live for one test.

import "reflect-metadata";
import {
  BasicConstraintsExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const generateKeys = () => crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
const validity = { notBefore: new Date("2020-01-01"), notAfter: new Date("2120-01-01") };

export interface TestCa {
  /** PEM. */
  readonly certificate: string;
  /** PEM with certificate and key; a server's is valid for localhost. */
  issue(commonName: string): Promise<string>;
}

export async function createCa(commonName: string): Promise<TestCa> {
  const keys = await generateKeys();
  const ca = await X509CertificateGenerator.createSelfSigned({
    ...validity,
    name: `CN=${commonName}`,
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [new BasicConstraintsExtension(true, undefined, true)],
  });
  return { certificate: ca.toString("pem"), issue: (name) => issue(ca, keys.privateKey, name) };
}

async function issue(ca: X509Certificate, signingKey: CryptoKey, commonName: string): Promise<string> {
  const keys = await generateKeys();
  const certificate = await X509CertificateGenerator.create({
    ...validity,
    subject: `CN=${commonName}`,
    issuer: ca.subject,
    publicKey: keys.publicKey,
    signingKey,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new SubjectAlternativeNameExtension([
        { type: "dns", value: "localhost" },
        { type: "ip", value: "127.0.0.1" },
      ]),
    ],
  });
  const key = PemConverter.encode(await crypto.subtle.exportKey("pkcs8", keys.privateKey), "PRIVATE KEY");
  return `${certificate.toString("pem")}\n${key}\n`;
}
