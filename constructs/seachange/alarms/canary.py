"""A canary: somebody outside who asks for one URL again and again."""

from pathlib import Path

from aws_cdk import ArnFormat, Duration, Names, Stack, Token, Tokenization
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_synthetics as synthetics
from constructs import Construct

from seachange.alarms.definition import Definition, make
from seachange.buckets import log_bucket
from seachange.errors import InvalidArgumentError
from seachange.findings import acknowledge, wildcard
from seachange.known import check_number, known_time, synthesis_time

_SCRIPT = Path(__file__).with_name("canary_script.py")
_KEPT = Duration.days(31)
# CloudWatch Synthetics' limit, and a name that still shows whose canary it is.
_LONGEST_NAME = 40
_LONGEST_RATE_MINUTES = 60


class SyntheticsCanary(Construct):
    """Asks for one URL from outside at a fixed rate, and has an alarm: `BlueGreenService(common_alarms=[canary.alarm])`.

    It sees what no metric of the load balancer shows: DNS, the certificate, a listener nobody reaches, a service without traffic. It cannot tell
    blue from green, and at its rate it is slower than the other alarms: two failed runs of three. AWS charges for each run, about 8,900 a month at
    the default rate (some ten US dollars; see the price list of CloudWatch), beside the Lambda function that it runs as.

    Args:
        url: Public, with https:// or http://; a token will do. Every run is a GET.
        status: The status of a good answer, 200 by default; a token will do. A redirect is not followed.
        latency: A slower answer is a bad one: 2 seconds by default; a token in seconds will do.
        rate: From one run to the next: 5 minutes by default, 1 to 60, whole minutes, known at synthesis.
        runtime: The newest of CloudWatch Synthetics for Python that this library's CDK knows, by default. AWS has newer ones, and a deprecated one
            makes no new canary, though canaries that have it run on: then name a newer one, whether or not the CDK knows it,
            `synthetics.Runtime("syn-python-selenium-14.0", synthetics.RuntimeFamily.PYTHON)`. The user guide lists them (*Runtime versions using
            Python and Selenium Webdriver*), and their ends (*Runtime versions support policy*).
        notifications: Told when the alarm fires or is quiet again; nobody by default.

    Attributes:
        canary: CloudWatch Synthetics'.
        bucket: Private, encrypted; keeps each run's logs for 31 days, and stays, emptying itself, when the stack is destroyed.
        alarm: Fires when 2 of 3 runs have failed.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        url: str,
        status: int = 200,
        latency: Duration | None = None,
        rate: Duration | None = None,
        runtime: synthetics.Runtime | None = None,
        notifications: sns.ITopic | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        latency, rate = latency or Duration.seconds(2), rate or Duration.minutes(5)
        seconds = _checked_seconds(url, status, latency, rate)
        self.bucket = log_bucket(
            self,
            "Results",
            kept=_KEPT,
            why_no_log="It keeps the canary's own logs for a month; a log of their delivery says nothing more.",
        )
        # The role names the canary's log group, so the name is known before the canary is.
        name = Names.unique_resource_name(self, max_length=_LONGEST_NAME, separator="-").lower()
        self.canary = synthetics.Canary(
            self,
            "Canary",
            canary_name=name,
            runtime=runtime or synthetics.Runtime.SYNTHETICS_PYTHON_SELENIUM_7_0,
            test=synthetics.Test.custom(
                code=synthetics.Code.from_inline(_SCRIPT.read_text("utf-8")), handler="index.handler"
            ),
            environment_variables={
                "URL": url,
                # The text of numbers that may be known only when the stack deploys.
                "STATUS": Tokenization.stringify_number(status),
                "SECONDS": Tokenization.stringify_number(latency.to_seconds()) if seconds is None else f"{seconds:g}",
            },
            schedule=synthetics.Schedule.rate(rate),
            role=self._role(name),
            artifacts_bucket_location=synthetics.ArtifactsBucketLocation(bucket=self.bucket),
            success_retention_period=_KEPT,
            failure_retention_period=_KEPT,
            provisioned_resource_cleanup=True,
        )
        self.alarm: cloudwatch.IAlarm = make(
            self,
            Definition(
                name="Failed",
                metric=self.canary.metric_success_percent(statistic="Average", period=rate),
                threshold=100,
                datapoints=2,
                below=True,
                # A canary that was made a moment ago, or that somebody stopped, has no runs: no release need wait for it.
                missing=cloudwatch.TreatMissingData.NOT_BREACHING,
            ),
            notifications,
        )

    def _role(self, canary_name: str) -> iam.Role:
        """What a canary needs as the user guide lists it (*Required roles and permissions for canaries*), for this one alone."""
        logs = Stack.of(self).format_arn(
            service="logs",
            resource="log-group",
            resource_name=f"/aws/lambda/cwsyn-{canary_name}-*",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        allow = iam.PolicyStatement
        statements = [
            allow(actions=["s3:PutObject", "s3:GetObject"], resources=[self.bucket.arn_for_objects("*")]),
            allow(actions=["s3:GetBucketLocation"], resources=[self.bucket.bucket_arn]),
            allow(actions=["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"], resources=[logs]),
            # These two take no ARN.
            allow(actions=["s3:ListAllMyBuckets"], resources=["*"]),
            allow(
                actions=["cloudwatch:PutMetricData"],
                resources=["*"],
                conditions={"StringEquals": {"cloudwatch:namespace": "CloudWatchSynthetics"}},
            ),
        ]
        role = iam.Role(
            self,
            "Role",
            description="A canary of one blue/green service",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            inline_policies={"Canary": iam.PolicyDocument(statements=statements)},
        )
        acknowledge(
            role,
            {
                wildcard(
                    self, "*"
                ): "These two actions take no ARN; metrics are held to the canaries' namespace by a condition.",
                wildcard(
                    self, self.bucket.arn_for_objects("*")
                ): "What the canary's runs leave, in a bucket of its own.",
                wildcard(
                    self, logs
                ): "The log group of this one canary, whose name ends with an id that Synthetics makes up.",
            },
        )
        return role


def _checked_seconds(url: str, status: int, latency: Duration, rate: Duration) -> float | None:
    """The latency in seconds, None when it is known only when the stack deploys; InvalidArgumentError for what cannot work."""
    if not Token.is_unresolved(url) and not url.startswith(("https://", "http://")):
        raise InvalidArgumentError("SyntheticsCanary(url=)", url, "start it with https:// or http://")
    check_number(
        "SyntheticsCanary(status=)", status, lambda code: 100 <= code <= 599, "give a status of HTTP, such as 200"
    )
    minutes = synthesis_time("SyntheticsCanary(rate=)", rate, "minutes", "the alarm counts in periods of it")
    if minutes % 1 or not 1 <= minutes <= _LONGEST_RATE_MINUTES:
        raise InvalidArgumentError(
            "SyntheticsCanary(rate=)", f"{minutes:g} min", f"give whole minutes, 1 to {_LONGEST_RATE_MINUTES}"
        )
    seconds = known_time("SyntheticsCanary(latency=)", latency, "seconds")
    if seconds is not None and not 0 < seconds < 60 * minutes:
        raise InvalidArgumentError(
            "SyntheticsCanary(latency=)",
            f"{seconds:g} s",
            f"give more than 0 and less than the rate's {60 * minutes:g} s",
        )
    return seconds
