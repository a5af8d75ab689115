// The place of functions inside a VPC, as network-vpc.yml has it for the fleet pass: mirrorlists and metalinks answer by
// who asks, so mirrors are asked from the builders' own network.

import { right, sub } from "../steps/rights.ts";
import { functionName, type Json, pascalCase, type StepFunction } from "../steps/step.ts";

/** Source: the managed policy AWSLambdaVPCAccessExecutionRole, without its rights on logs. */
const ATTACH = [
  "ec2:AssignPrivateIpAddresses",
  "ec2:CreateNetworkInterface",
  "ec2:DeleteNetworkInterface",
  "ec2:DescribeNetworkInterfaces",
  "ec2:DescribeSubnets",
  "ec2:UnassignPrivateIpAddresses",
];

interface Fragment {
  readonly Resources: Json;
  /** Of what osls makes itself. */
  readonly extensions?: Json;
}

/** For the parameter `network` of serverless.yml: what each of its values adds. */
export function networksOf(steps: readonly StepFunction[]): { readonly public: Fragment; readonly vpc: Fragment } {
  const each = (make: (id: string, name: string) => readonly [string, Json]): Json =>
    Object.fromEntries(steps.map(({ name }) => make(pascalCase(name), name)));
  return {
    public: { Resources: {} },
    vpc: {
      Resources: each((id, name) => [`${id}NetworkPolicy`, networkPolicy(id, name)]),
      ...(steps.length === 0 ? {} : { extensions: each((id) => [`${id}LambdaFunction`, placeInVpc(id)]) }),
    },
  };
}

/** The rights that Lambda (not the function's code) needs to put it there. */
function networkPolicy(id: string, name: string): Json {
  const itself = sub(`arn:\${AWS::Partition}:lambda:\${AWS::Region}:\${AWS::AccountId}:function:${functionName(name)}`);
  return {
    Type: "AWS::IAM::RolePolicy",
    Properties: {
      PolicyName: "network",
      RoleName: { Ref: `${id}Role` },
      PolicyDocument: {
        Version: "2012-10-17",
        Statement: [
          right("LetLambdaAttachTheFunction", ATTACH, "*"),
          // Source: Lambda developer guide, "Granting Lambda functions access to resources in an Amazon VPC".
          {
            ...right("ButNotItsCode", ATTACH, "*", { ArnEquals: { "lambda:SourceFunctionArn": itself } }),
            Effect: "Deny",
          },
        ],
      },
    },
  };
}

const placeInVpc = (id: string): Json => ({
  // Lambda looks at these rights when it makes the function.
  DependsOn: [`${id}NetworkPolicy`],
  Properties: {
    VpcConfig: {
      SubnetIds: { "Fn::Split": [",", `\${param:functionSubnetIds}`] },
      SecurityGroupIds: { "Fn::Split": [",", `\${param:functionSecurityGroupIds}`] },
    },
  },
});
