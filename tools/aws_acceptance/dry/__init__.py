"""The whole run without AWS: boto3 itself, with each request and each scripted answer checked against AWS's service models."""

from tools.aws_acceptance.dry.rehearse import rehearse

__all__ = ["rehearse"]
