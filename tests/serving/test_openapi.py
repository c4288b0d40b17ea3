"""What the OpenAPI document says holds, for requests made up from it."""

import hypothesis
import pytest

from tests.serving.conftest import Server

pytestmark = pytest.mark.serving
schemathesis = pytest.importorskip("schemathesis")
EXAMPLES = 60


@pytest.mark.parametrize("mode", ["positive", "negative"])
def test_no_answer_is_undocumented_and_none_is_an_error_of_the_server(server: Server, mode: str) -> None:
    schema = schemathesis.openapi.from_url(f"{server.address}/openapi.json")
    generation = schemathesis.GenerationMode.POSITIVE if mode == "positive" else schemathesis.GenerationMode.NEGATIVE
    operations = [found.ok() for found in schema.get_all_operations()]
    assert [operation.label for operation in operations] == ["POST /v1/detect", "GET /v1/models", "GET /v1/classes"]

    def check(case: "schemathesis.Case") -> None:
        answer = case.call()
        assert answer.status_code < 500 or answer.status_code == 503
        checks = schemathesis.checks
        documented = [
            checks.status_code_conformance,
            checks.content_type_conformance,
            checks.response_schema_conformance,
        ]
        case.validate_response(answer, checks=documented)

    settings = hypothesis.settings(
        max_examples=EXAMPLES, deadline=None, database=None, derandomize=True,
        suppress_health_check=list(hypothesis.HealthCheck),
    )  # fmt: skip
    for operation in operations:
        if mode == "negative" and operation.label == "GET /v1/models":
            continue  # it has nothing that can be wrong
        settings(hypothesis.given(case=operation.as_strategy(generation_mode=generation))(check))()
