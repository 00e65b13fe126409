"""The way out to the venues: from any of AWS's addresses, or from one that a venue can allow-list."""

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.checks import acknowledge

MONTHLY_PRICE = (
    'egress = "static" costs about 37 USD a month: about 33 for the NAT gateway, about 3.65 for its address, '
    "and about 0.05 USD for every GB"
)
_INTERFACES = (
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
)


class StaticEgress(Construct):
    """A network in one zone: functions reach venues from one Elastic IP, and DynamoDB without the NAT gateway.

    One zone, because a second one is a second address and a second price. While the zone is down nothing is quoted, and
    nothing cancelled either: not by a halt, only by hand at the venue.
    """

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self.address = ec2.CfnEIP(self, "Address", domain="vpc")
        self.vpc = ec2.Vpc(
            self,
            "Network",
            max_azs=1,
            nat_gateway_provider=ec2.NatProvider.gateway(eip_allocation_ids=[self.address.attr_allocation_id]),
            restrict_default_security_group=False,  # nothing uses it, and emptying it takes a function of its own
            subnet_configuration=[
                ec2.SubnetConfiguration(
                    name="public", subnet_type=ec2.SubnetType.PUBLIC, cidr_mask=24, map_public_ip_on_launch=False
                ),
                ec2.SubnetConfiguration(name="functions", subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS, cidr_mask=22),
            ],
        )
        self.vpc.add_gateway_endpoint("DynamoDb", service=ec2.GatewayVpcEndpointAwsService.DYNAMODB)
        self.security_group = ec2.SecurityGroup(
            self, "Functions", vpc=self.vpc, allow_all_outbound=False, description="HTTPS out, nothing in"
        )
        self.security_group.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(443), "venues and AWS")
        acknowledge(
            self.vpc, {"AwsSolutions-VPC7": "nothing can be reached from outside, and every venue call is logged by us"}
        )
        cdk.Annotations.of(self).add_warning_v2("marketmaker:static-egress", MONTHLY_PRICE)

    def join(self, role: iam.Role, function_arn: str) -> None:
        """Let Lambda connect a function to the network in its role's name, and the function's own code not."""
        policy = iam.Policy(
            role,
            "Interfaces",
            roles=[role],
            statements=[
                iam.PolicyStatement(actions=list(_INTERFACES), resources=["*"]),
                iam.PolicyStatement(
                    effect=iam.Effect.DENY,
                    actions=list(_INTERFACES),
                    resources=["*"],
                    conditions={"ArnEquals": {"lambda:SourceFunctionArn": function_arn}},
                ),
            ],
        )
        acknowledge(policy, {"AwsSolutions-IAM5[Resource::*]": "network interfaces have no names before they are made"})
