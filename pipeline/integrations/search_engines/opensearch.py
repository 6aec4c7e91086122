"""OpenSearch: a connector for the semantic highlighter, and one for search pipelines.

Their request bodies differ. The semantic highlighter sends one text or a list of inputs, so its
template has quotation marks around strings. The ``ml_inference`` processor sends lists, so its
template has none.

Source: OpenSearch documentation, connector blueprints; ml-commons, ``HttpConnector.createPayload``.
"""

import re
from typing import Any
from urllib.parse import urlsplit

from .steps import KEY_PLACEHOLDER, ServerAddress, SetupRequest

HIGHLIGHT_BODY = (
    '{ "question": "${parameters.question:-}", "context": "${parameters.context:-}", '
    '"inputs": ${parameters.inputs:-[]}, "highlight": "${parameters.highlight:-answer}" }'
)
HITS_BODY = (
    '{ "question": "${parameters.question}", "context": ${parameters.context}, '
    '"docid": ${parameters.docid:-[]} }'
)
_TIMEOUT_MS = 30_000


def opensearch_steps(
    server: ServerAddress,
    *,
    engine_index: str = "my-index",
    text_field: str = "text",
    id_field: str = "id",
    question_path: str | None = None,
) -> list[SetupRequest]:
    """Requests that set up OpenSearch, in order.

    Args:
        server: Address of the preread server.
        engine_index: Name of the OpenSearch index.
        text_field: Field that contains a passage's text.
        id_field: Field that contains a passage's identifier.
        question_path: JSONPath of the question in a search request; by default the place in which a
            ``match`` query on the text field has it.
    """
    question = question_path or f"$._request.query.match.{text_field}.query"
    highlighter, hits = "preread-highlighter", "preread-hits"
    return [
        _settings(server),
        _connector(highlighter, server, "opensearch/highlight", HIGHLIGHT_BODY),
        _model(highlighter),
        _highlighting_search(engine_index, text_field),
        _connector(hits, server, "opensearch/hits", HITS_BODY),
        _model(hits),
        _pipeline(text_field, id_field, question),
        SetupRequest(
            "hits-search",
            "GET",
            f"/{engine_index}/_search?search_pipeline=preread",
            {"query": _match(text_field), "size": 10},
            "returns hits with the field preread_answer; ext.ml_inference.best is the best answer.",
        ),
    ]


def _settings(server: ServerAddress) -> SetupRequest:
    parts = urlsplit(server.url)
    origin = re.escape(f"{parts.scheme}://{parts.netloc}")
    plugin = "plugins.ml_commons."
    return SetupRequest(
        "settings",
        "PUT",
        "/_cluster/settings",
        {
            "persistent": {
                f"{plugin}trusted_connector_endpoints_regex": [f"^{origin}/.*$"],
                f"{plugin}connector.private_ip_enabled": True,
                f"{plugin}only_run_on_ml_node": False,
                "search.pipeline.enabled_system_generated_factories": ["semantic-highlighter"],
            }
        },
        "allows connectors to reach the preread server, also at a private address (OpenSearch 2.15 "
        "and later). The last setting allows highlighting in batches (3.3 and later). The list of "
        "endpoints replaces the current one.",
    )


def _connector(name: str, server: ServerAddress, path: str, request_body: str) -> SetupRequest:
    headers = {"Content-Type": "application/json"}
    body: dict[str, Any] = {
        "name": name,
        "description": "Answers by preread",
        "version": "1",
        "protocol": "http",
        "parameters": {},
        "client_config": {"read_timeout": _TIMEOUT_MS, "max_retry_times": 1},
        "actions": [
            {
                "action_type": "predict",
                "method": "POST",
                "url": server.endpoint(path),
                "headers": headers,
                "request_body": request_body,
            }
        ],
    }
    about = "creates a connector; the next request needs the connector_id of the reply."
    if server.needs_key:
        headers["Authorization"] = "Bearer ${credential.key}"
        body["credential"] = {"key": KEY_PLACEHOLDER}
        about += f" Replace {KEY_PLACEHOLDER} by an API key of the preread server."
    return SetupRequest(
        f"{name}-connector", "POST", "/_plugins/_ml/connectors/_create", body, about
    )


def _model(name: str) -> SetupRequest:
    return SetupRequest(
        f"{name}-model",
        "POST",
        "/_plugins/_ml/models/_register?deploy=true",
        {"name": name, "function_name": "remote", "connector_id": "CONNECTOR-ID"},
        "registers a model. Replace CONNECTOR-ID by the connector_id of the reply before.",
    )


def _highlighting_search(engine_index: str, text_field: str) -> SetupRequest:
    return SetupRequest(
        "highlighting-search",
        "GET",
        f"/{engine_index}/_search",
        {
            "query": _match(text_field),
            "highlight": {
                "fields": {text_field: {"type": "semantic"}},
                "options": {"model_id": "HIGHLIGHTER-MODEL-ID"},
            },
            "ext": {"semantic_highlighting_batch": True},
        },
        "marks the answer in each hit. Replace HIGHLIGHTER-MODEL-ID by the model_id of the reply "
        "above. Leave out ext before OpenSearch 3.3.",
    )


def _pipeline(text_field: str, id_field: str, question: str) -> SetupRequest:
    return SetupRequest(
        "hits-pipeline",
        "PUT",
        "/_search/pipeline/preread",
        {
            "response_processors": [
                {
                    "ml_inference": {
                        "model_id": "HITS-MODEL-ID",
                        "function_name": "REMOTE",
                        "input_map": [
                            {"question": question, "context": text_field, "docid": id_field}
                        ],
                        "output_map": [
                            {"preread_answer": "answers", "ext.ml_inference.best": "best"}
                        ],
                        "full_response_path": False,
                        "override": True,
                        "ignore_missing": True,
                        "ignore_failure": True,
                    }
                }
            ]
        },
        "creates a search pipeline. Replace HITS-MODEL-ID by the model_id of the reply before. If "
        "the preread server does not answer, hits come without answers.",
    )


def _match(text_field: str) -> dict[str, Any]:
    return {"match": {text_field: {"query": "How many keys does a modern piano have?"}}}
