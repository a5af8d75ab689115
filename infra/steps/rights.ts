// IAM statements as CloudFormation takes them, and those that the steps of more than one domain need.

export type Text = string | { readonly "Fn::Sub": string } | { readonly "Fn::GetAtt": readonly [string, string] };

export type Conditions = Readonly<Record<string, Readonly<Record<string, Text | readonly Text[]>>>>;

export interface Right {
  readonly Sid: string;
  readonly Effect: "Allow";
  readonly Action: readonly string[];
  readonly Resource: Text | readonly Text[];
  readonly Condition?: Conditions;
}

export function right(
  Sid: string,
  Action: readonly string[],
  Resource: Right["Resource"],
  Condition?: Conditions,
): Right {
  return { Sid, Effect: "Allow", Action, Resource, ...(Condition === undefined ? {} : { Condition }) };
}

export const sub = (text: string) => ({ "Fn::Sub": text });

/** A parameter may be named by its ARN (shared from another account), and with a version or label after a colon. */
export function parameterArn(name: string): { readonly "Fn::Sub": string } {
  if (name.startsWith("arn:")) return sub(name);
  const path = name.replace(/^\//, "").replace(/:.*$/, "");
  return sub(`arn:\${AWS::Partition}:ssm:\${AWS::Region}:\${AWS::AccountId}:parameter/${path}`);
}

/** These parameters of the site, and what SSM decrypts for them alone; no names, no rights. */
export function readParameters(names: readonly string[]): Right[] {
  if (names.length === 0) return [];
  const parameters = [...new Set(names)].sort().map(parameterArn);
  return [
    right("ReadTheParametersOfTheSite", ["ssm:GetParameter"], parameters),
    // The key aws/ssm needs no such right, a key of one's own does.
    right(
      "DecryptThoseParameters",
      ["kms:Decrypt"],
      sub(`arn:\${AWS::Partition}:kms:\${AWS::Region}:\${AWS::AccountId}:key/*`),
      {
        StringEquals: {
          "kms:ViaService": sub(`ssm.\${AWS::Region}.\${AWS::URLSuffix}`),
          "kms:EncryptionContext:PARAMETER_ARN": parameters,
        },
      },
    ),
  ];
}
