"""What the model raises before it becomes an error of boto3, or the end of a Lambda."""


class AwsError(Exception):
    """An AWS API's refusal, by code."""

    def __init__(self, code: str, message: str) -> None:
        self.code, self.message = code, message
        super().__init__(f"{code}: {message}")


class LambdaDied(BaseException):
    """The Lambda's process ended in the middle of its work; no exception that its code may catch."""
