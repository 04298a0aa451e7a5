"""The load balancer of a blue/green service: two listeners, two target groups."""

from collections.abc import Sequence

from aws_cdk import Duration, Token, Tokenization
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_s3 as s3
from constructs import Construct

from seachange.access_logs import access_log_bucket, log_access
from seachange.errors import InvalidArgumentError
from seachange.findings import acknowledge
from seachange.frozen import without_inherited_tags
from seachange.health import HealthCheck
from seachange.subnets import selected


class BlueGreenLoadBalancer(Construct):
    """An Application Load Balancer that shows blue to the public and green to the few who test it.

    CodeDeploy rewrites the listeners' actions at every deployment, and a change that CloudFormation makes to a listener would send traffic
    to the wrong group (aws-cdk#36649). So listeners and target groups are *frozen*: everything here is decided when they are created. They
    carry no inherited tags, and additional certificates are `AWS::ElasticLoadBalancingV2::ListenerCertificate` resources of their own.

    Args:
        vpc: Where it stands.
        container_port: The port of the service's container, 8080 by default.
        health_check: `HealthCheck()` by default.
        certificate: Its listeners speak HTTPS with this certificate; HTTP by default. On a load balancer of our own, port 80 then redirects
            to the production listener, unless that is on 80 itself.
        internet_facing: Whether the public can reach it; yes by default. Refused together with `load_balancer`.
        load_balancer: A load balancer of yours, which gets two listeners more; our own by default.
        access_logs: Where our own load balancer writes its access log: by default a private bucket that keeps it for 90 days and outlives the
            stack. A bucket of yours must be in the same region and encrypted with S3's own keys; one that the app only imports must let
            `logdelivery.elasticloadbalancing.amazonaws.com` write. Refused together with `load_balancer`.
        production_port: 80 by default, or 443 with a certificate; required with `load_balancer`, where we cannot know which port is free.
        test_port: The test listener's, 8080 by default; refused when production or the redirect has that port.
        test_peers: Who may reach the test listener; nobody by default, for what it shows is not released.
        deregistration_delay: How long a leaving target may finish its requests, 30 seconds by default.

    Attributes:
        load_balancer: The load balancer.
        production_listener, test_listener: The two listeners.
        blue, green: The two target groups; which one serves changes with every deployment.
        container_port: As given.
        is_own: Whether the load balancer was made here, and nobody else's traffic goes through it.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        vpc: ec2.IVpc,
        container_port: int = 8080,
        health_check: HealthCheck | None = None,
        certificate: acm.ICertificate | None = None,
        internet_facing: bool | None = None,
        load_balancer: elbv2.IApplicationLoadBalancer | None = None,
        access_logs: s3.IBucket | None = None,
        production_port: int | None = None,
        test_port: int = 8080,
        test_peers: Sequence[ec2.IPeer] = (),
        deregistration_delay: Duration | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        if load_balancer is not None and production_port is None:
            raise InvalidArgumentError(
                "BlueGreenLoadBalancer(production_port=)", None, "give a free port of your load balancer"
            )
        if load_balancer is not None and internet_facing is not None:
            raise InvalidArgumentError(
                "BlueGreenLoadBalancer(internet_facing=)", internet_facing, "leave it out: your load balancer decides"
            )
        if load_balancer is not None and access_logs is not None:
            raise InvalidArgumentError(
                "BlueGreenLoadBalancer(access_logs=)", access_logs.node.path, "leave it out: your load balancer decides"
            )
        default_port = 80 if certificate is None else 443
        production_port = default_port if production_port is None else production_port
        for name, port in (
            ("container_port", container_port),
            ("production_port", production_port),
            ("test_port", test_port),
        ):
            if not Token.is_unresolved(port) and not 1 <= port <= 65535:
                raise InvalidArgumentError(f"BlueGreenLoadBalancer({name}=)", port, "give 1 to 65535")
        if test_port == production_port:
            raise InvalidArgumentError(
                "BlueGreenLoadBalancer(test_port=)", test_port, "give another than the production listener's"
            )
        redirects = certificate is not None and load_balancer is None and production_port != 80
        if redirects and test_port == 80:
            raise InvalidArgumentError(
                "BlueGreenLoadBalancer(test_port=)", test_port, "give another: 80 redirects to the production listener"
            )

        self.container_port = container_port
        self.is_own = load_balancer is None
        if load_balancer is None and internet_facing is not False:
            selected(
                vpc,
                ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC),
                "BlueGreenLoadBalancer(internet_facing=)",
                "give internet_facing=False, or a VPC with public subnets; an imported VPC needs their ids",
            )
        self.load_balancer = load_balancer or self._load_balancer(vpc, internet_facing is not False, access_logs)
        self.blue = self._target_group(
            "Blue", vpc, health_check or HealthCheck(), deregistration_delay or Duration.seconds(30)
        )
        self.green = self._target_group(
            "Green", vpc, health_check or HealthCheck(), deregistration_delay or Duration.seconds(30)
        )
        self.production_listener = self._listener("Production", production_port, self.blue, certificate, is_open=True)
        self.test_listener = self._listener("Test", test_port, self.green, certificate, is_open=False)
        # A deployment leaves each listener with the other's group, and ELB deletes no group in use: both listeners must go before either.
        self.production_listener.node.add_dependency(self.green)
        self.test_listener.node.add_dependency(self.blue)
        if redirects:
            without_inherited_tags(
                elbv2.ApplicationListener(
                    self,
                    "Redirect",
                    load_balancer=self.load_balancer,
                    port=80,
                    protocol=elbv2.ApplicationProtocol.HTTP,
                    open=True,
                    default_action=elbv2.ListenerAction.redirect(
                        protocol="HTTPS", port=Tokenization.stringify_number(production_port), permanent=True
                    ),
                )
            )
        for peer in test_peers:
            self.allow_test_traffic_from(peer)

    def allow_test_traffic_from(self, peer: ec2.IConnectable) -> None:
        """Lets `peer`, an address range or anything with connections, reach the test listener."""
        self.test_listener.connections.allow_default_port_from(peer, "Test traffic")

    def _load_balancer(
        self, vpc: ec2.IVpc, internet_facing: bool, access_logs: s3.IBucket | None
    ) -> elbv2.ApplicationLoadBalancer:
        group = ec2.SecurityGroup(
            self,
            "SecurityGroup",
            vpc=vpc,
            description="Load balancer of a blue/green service",
            allow_all_outbound=False,
        )
        reason = "The production listener, and where there is a certificate port 80, which only redirects to it, are for everybody."
        acknowledge(group, {"AwsSolutions-EC23": reason, "CKV_AWS_260": reason})
        made = elbv2.ApplicationLoadBalancer(
            self,
            "LoadBalancer",
            vpc=vpc,
            internet_facing=internet_facing,
            drop_invalid_header_fields=True,
            security_group=group,
        )
        log_access(made, access_logs or access_log_bucket(self, "AccessLogs"))
        return made

    def _target_group(
        self, name: str, vpc: ec2.IVpc, health: HealthCheck, deregistration_delay: Duration
    ) -> elbv2.ApplicationTargetGroup:
        group = without_inherited_tags(
            elbv2.ApplicationTargetGroup(
                self,
                name,
                vpc=vpc,
                port=self.container_port,
                protocol=elbv2.ApplicationProtocol.HTTP,
                target_type=elbv2.TargetType.IP,
                deregistration_delay=deregistration_delay,
                health_check=elbv2.HealthCheck(
                    path=health.path,
                    healthy_threshold_count=health.healthy_threshold,
                    unhealthy_threshold_count=health.unhealthy_threshold,
                    interval=None if health.interval.is_unresolved() else health.interval,
                    timeout=None if health.timeout.is_unresolved() else health.timeout,
                    healthy_http_codes="200",
                ),
            )
        )
        # The CDK compares the two in milliseconds, which it cannot when only CloudFormation knows one.
        resource = group.node.default_child
        assert isinstance(resource, elbv2.CfnTargetGroup)
        if health.interval.is_unresolved():
            resource.health_check_interval_seconds = health.interval.to_seconds()
        if health.timeout.is_unresolved():
            resource.health_check_timeout_seconds = health.timeout.to_seconds()
        return group

    def _listener(
        self,
        name: str,
        port: int,
        group: elbv2.ApplicationTargetGroup,
        certificate: acm.ICertificate | None,
        *,
        is_open: bool,
    ) -> elbv2.ApplicationListener:
        return without_inherited_tags(
            elbv2.ApplicationListener(
                self,
                name,
                load_balancer=self.load_balancer,
                port=port,
                protocol=elbv2.ApplicationProtocol.HTTP if certificate is None else elbv2.ApplicationProtocol.HTTPS,
                certificates=None if certificate is None else [certificate],
                ssl_policy=None if certificate is None else elbv2.SslPolicy.TLS13_RES,
                open=is_open,
                default_target_groups=[group],
            )
        )
