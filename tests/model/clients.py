"""Clients like boto3's over the model: every request and every answer is held against botocore's service model."""

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import botocore.session
from botocore import xform_name
from botocore.errorfactory import ClientExceptionsFactory
from botocore.model import OperationModel, Shape
from botocore.validate import ParamValidator

from tests.model.errors import AwsError
from tools.aws_acceptance.dry.shapes import check_enums

if TYPE_CHECKING:
    from tests.model.world import World

_VALIDATOR = ParamValidator()
_MOST_KNOWN = 100_000
_known: set[str] = set()  # what was found right once; the same polls come again and again


@functools.cache
def _operations(service: str) -> dict[str, OperationModel]:
    model = _model(service)
    return {xform_name(name): model.operation_model(name) for name in model.operation_names}


@functools.cache
def _model(service: str) -> Any:
    return botocore.session.get_session().get_service_model(service)


@functools.cache
def exceptions(service: str) -> Any:
    """What boto3 offers as `client.exceptions`."""
    return ClientExceptionsFactory().create_client_exceptions(_model(service))


def aws_error(service: str, operation: str, code: str, message: str) -> Exception:
    """The exception that boto3 would raise."""
    made: Exception = exceptions(service).from_code(code)({"Error": {"Code": code, "Message": message}}, operation)
    return made


def check(shape: Shape | None, value: Any, where: str) -> None:
    """Fails for a value whose shape, range or enum is not the service model's."""
    key = f"{where} {value!r}"
    if shape is None or key in _known:
        return
    report = _VALIDATOR.validate(value, shape)
    assert not report.has_errors(), f"{where}: {report.generate_report()}"
    check_enums(shape, value, where)
    if len(_known) < _MOST_KNOWN:
        _known.add(key)


class Client:
    """One service; `answers` has a method for each operation that the model knows."""

    def __init__(self, world: "World", service: str, answers: object) -> None:
        self._world, self._service, self._answers = world, service, answers
        self.exceptions = exceptions(service)

    def __getattr__(self, name: str) -> Callable[..., dict[str, Any]]:
        operation = _operations(self._service).get(name)
        answer = getattr(self._answers, name, None)
        if operation is None or answer is None:
            raise AttributeError(f"the model of {self._service} has no {name}: write it under tests/model")

        def call(**request: Any) -> dict[str, Any]:
            where = f"{self._service}.{name}"
            check(operation.input_shape, request, f"{where} request")
            self._world.before(self._service, operation.name)
            try:
                answered: dict[str, Any] = answer(**request)
            except AwsError as error:
                raise aws_error(self._service, operation.name, error.code, error.message) from None
            check(operation.output_shape, answered, f"{where} answer")
            self._world.after(self._service, operation.name)
            return answered

        self.__dict__[name] = call  # the next look-up finds it at once
        return call

    def get_paginator(self, name: str) -> "_Paginator":
        """A paginator; the model's answers fit one page."""
        return _Paginator(getattr(self, name))


class _Paginator:
    def __init__(self, call: Callable[..., dict[str, Any]]) -> None:
        self._call = call

    def paginate(self, **request: Any) -> list[dict[str, Any]]:
        request.pop("PaginationConfig", None)
        return [self._call(**request)]
