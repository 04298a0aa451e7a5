"""Answers as the service models describe them: shapes by botocore's own validator, and enums, which it leaves out."""

from typing import Any

from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape
from botocore.validate import validate_parameters


class WrongShapeError(Exception):
    """A request or a scripted answer that AWS's service model does not allow."""


def check_answer(operation: OperationModel, answer: dict[str, Any]) -> None:
    """WrongShapeError for an answer that the operation cannot give."""
    if operation.output_shape is None:
        if answer:
            raise WrongShapeError(f"{operation.name} answers with nothing, not with {answer}")
        return
    validate_parameters(answer, operation.output_shape)
    check_enums(operation.output_shape, answer, operation.name)


def check_enums(shape: Shape | None, value: Any, where: str) -> None:
    """WrongShapeError for a value that the model's enums do not hold."""
    if isinstance(shape, StructureShape):
        for name, inner in value.items():
            check_enums(shape.members[name], inner, f"{where}.{name}")
    elif isinstance(shape, ListShape):
        for inner in value:
            check_enums(shape.member, inner, where)
    elif isinstance(shape, MapShape):
        for inner in value.values():
            check_enums(shape.value, inner, where)
    elif (enum := getattr(shape, "enum", None)) and value not in enum:
        raise WrongShapeError(f"{where}: {value!r} is none of {', '.join(enum)}")
