"""Elasticsearch: inference endpoints of the service ``custom`` (8.19, 9.1 and later).

The placeholders of a template have no quotation marks, because Elasticsearch replaces them by JSON.

Source: Elasticsearch's API specification, ``inference.put_custom``.
"""

from typing import Any

from .steps import KEY_PLACEHOLDER, ServerAddress, SetupRequest

COMPLETION_REQUEST = '{"questions": ${input}}'
RERANK_REQUEST = '{"query": ${query}, "documents": ${input}}'


def elasticsearch_steps(
    server: ServerAddress, *, engine_index: str = "my-index", text_field: str = "text"
) -> list[SetupRequest]:
    """Requests that set up Elasticsearch, in order.

    Args:
        server: Address of the preread server.
        engine_index: Name of the Elasticsearch index.
        text_field: Field that contains a passage's text.
    """
    question = "How many keys does a modern piano have?"
    completion, rerank = "preread-answer", "preread-rerank"
    return [
        _endpoint(
            "completion",
            completion,
            server,
            "elasticsearch/completion",
            COMPLETION_REQUEST,
            {"completion_result": "$.answers[*].answer"},
        ),
        SetupRequest(
            "completion-use",
            "POST",
            f"/_inference/completion/{completion}",
            {"input": question},
            "answers a question from the index of the preread server.",
        ),
        _endpoint(
            "rerank",
            rerank,
            server,
            "rerank",
            RERANK_REQUEST,
            {
                "relevance_score": "$.results[*].relevance_score",
                "reranked_index": "$.results[*].index",
            },
        ),
        SetupRequest(
            "rerank-search",
            "GET",
            f"/{engine_index}/_search",
            {
                "retriever": {
                    "text_similarity_reranker": {
                        "retriever": {"standard": {"query": {"match": {text_field: question}}}},
                        "field": text_field,
                        "inference_id": rerank,
                        "inference_text": question,
                        "rank_window_size": 50,
                    }
                }
            },
            "orders hits by how well they answer.",
        ),
    ]


def _endpoint(
    task: str,
    name: str,
    server: ServerAddress,
    path: str,
    request: str,
    json_parser: dict[str, str],
) -> SetupRequest:
    headers = {"Content-Type": "application/json"}
    about = f"creates an inference endpoint for the task {task}."
    if server.needs_key:
        headers["Authorization"] = "Bearer ${api_key}"
        about += f" Replace {KEY_PLACEHOLDER} by an API key of the preread server."
    settings: dict[str, Any] = {
        # Elasticsearch requires a secret, even if no header uses it.
        "secret_parameters": {"api_key": KEY_PLACEHOLDER},
        "url": server.endpoint(path),
        "headers": headers,
        "request": request,
        "response": {"json_parser": json_parser},
    }
    body = {"service": "custom", "service_settings": settings}
    return SetupRequest(f"{task}-endpoint", "PUT", f"/_inference/{task}/{name}", body, about)
