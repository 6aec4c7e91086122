"""Search engines' contracts: their real clients, and what engines do with what we print for them.

The engines themselves are not to be had from a package index. What they do with a connector is
emulated after their sources: substitution and escaping, parsing of replies, and marking of text.
"""

import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from elasticsearch import BadRequestError, Elasticsearch
from opensearchpy import OpenSearch
from preread.data import PrereadError
from preread.indexer import PassageIndex
from preread.pipeline import (
    OpenDomainQA,
    ProvidedPassage,
    answer_each,
    rank_provided,
    read_provided,
)
from preread.pipeline.integrations.search_engines import (
    ServerAddress,
    SetupRequest,
    console_text,
    elasticsearch_steps,
    opensearch_steps,
)
from preread.pipeline.qa.ranking import AnswerRule

PIANO = "How many keys does a modern piano have?"
TEXTS = [
    "🎹🎼 A toy piano has 25 keys.",
    "Sicily is an island \U00020000 of Italy.",
    'A "harpsichord"\n\t\\ has 61 keys 🎶.',
]
"""Characters beyond the basic plane stand before answers, and some that JSON has to escape."""
Found = tuple[str, int, int, float]
"""An answer, its place in UTF-16 code units, and its score."""


# What the engines do.


def filled(template: str, values: dict[str, str], prefix: str = "parameters.") -> str:
    """Apache Commons' StringSubstitutor: `${name:-default}`, values being substituted too."""

    def value(match: re.Match[str]) -> str:
        found = values.get(match["name"], match["default"])
        return match[0] if found is None else filled(found, values, prefix)

    pattern = rf"\$\{{{re.escape(prefix)}(?P<name>[\w.]+)(?::-(?P<default>[^}}]*))?\}}"
    return re.sub(pattern, value, template)


def is_json(text: str) -> bool:
    """As ml-commons has it: an object or a list."""
    try:
        return isinstance(json.loads(text), dict | list)
    except ValueError:
        return False


@dataclass(frozen=True)
class MlCommons:
    """A remote model of OpenSearch behind a connector."""

    connector: dict[str, Any]
    key: str

    def predict(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """What a caller within OpenSearch gets: `dataAsMap`."""
        as_text = {
            name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            for name, value in parameters.items()
        }
        escaped = {
            name: value if is_json(value) else json.dumps(value, ensure_ascii=False)[1:-1]
            for name, value in as_text.items()
        }
        (action,) = self.connector["actions"]
        payload = filled(action["request_body"], escaped)
        if not is_json(payload):
            raise ValueError(f"Invalid payload: {payload}")
        headers = {
            name: filled(value, {"key": self.key}, "credential.")
            for name, value in action["headers"].items()
        }
        reply = requests.request(
            action["method"], action["url"], data=payload.encode(), headers=headers, timeout=60
        )
        if reply.status_code >= 300:
            raise RuntimeError(f"Error from remote service: {reply.text}")
        content = reply.json()
        return content if isinstance(content, dict) else {"response": content}


def marked(text: str, marks: Sequence[dict[str, Any]]) -> str:
    """Neural-search's HighlightTagApplier: it throws where marks are not as they have to be."""
    units = text.encode("utf-16-le")
    result, done = b"", 0
    for mark in marks:
        start, end = 2 * mark["start"], 2 * mark["end"]
        assert done <= start < end <= len(units)
        parts = units[done:start], "<em>".encode("utf-16-le"), units[start:end]
        result += b"".join(parts) + "</em>".encode("utf-16-le")
        done = end
    return (result + units[done:]).decode("utf-16-le")


def ml_inference(
    model: MlCommons,
    processor: dict[str, Any],
    request: dict[str, Any],
    hits: list[dict[str, Any]],
) -> dict[str, Any]:
    """The response processor: one call for all hits; gives `ext`, and writes into the hits."""
    parameters: dict[str, Any] = {}
    for name, path in processor["input_map"][0].items():
        if path.startswith("$._request."):
            value: Any = {"_request": request}
            for part in path.removeprefix("$.").split("."):
                value = value[part]
            parameters[name] = value
        else:
            values = [hit[path] for hit in hits if path in hit]
            if values:
                parameters[name] = values
    output = model.predict(parameters)
    ext: dict[str, Any] = {}
    for field, name in processor["output_map"][0].items():
        value = output[name]
        if field.startswith("ext."):
            ext[field.removeprefix("ext.")] = value
            continue
        is_one_each = isinstance(value, list) and len(value) == len(hits)
        for place, hit in enumerate(hits):
            hit[field] = value[place] if is_one_each else value
    return ext


@dataclass(frozen=True)
class CustomService:
    """An inference endpoint of Elasticsearch; templates are filled with JSON."""

    body: dict[str, Any]
    key: str

    def infer(self, **values: object) -> dict[str, list[Any]]:
        """What the parser finds in the reply."""
        settings = self.body["service_settings"]
        as_json = {name: json.dumps(value) for name, value in values.items()}
        headers = {
            name: filled(value, {"api_key": self.key}, "")
            for name, value in settings["headers"].items()
        }
        payload = filled(settings["request"], as_json, "")
        assert is_json(payload)
        reply = requests.post(settings["url"], data=payload.encode(), headers=headers, timeout=60)
        assert reply.status_code == 200, reply.text
        paths = settings["response"]["json_parser"]
        return {name: json_path(reply.json(), path) for name, path in paths.items()}


def json_path(content: Any, path: str) -> list[Any]:
    """The values at `$.list[*].key`."""
    found = re.fullmatch(r"\$\.(\w+)\[\*\]\.(\w+)", path)
    assert found
    return [one[found[2]] for one in content[found[1]]]


# What is set up.


@dataclass(frozen=True)
class Engines:
    """Clients and emulated engines that ask one server."""

    url: str
    key: str
    opensearch: OpenSearch
    elasticsearch: Elasticsearch

    def steps(self, make: Callable[..., list[SetupRequest]]) -> dict[str, SetupRequest]:
        address = ServerAddress(self.url, "sample", needs_key=True)
        return {step.name: step for step in make(address)}

    def model(self, name: str) -> MlCommons:
        step = self.steps(opensearch_steps)[f"preread-{name}-connector"]
        return MlCommons(step.body, self.key)

    def service(self, task: str) -> CustomService:
        return CustomService(self.steps(elasticsearch_steps)[f"{task}-endpoint"].body, self.key)

    def predict(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """ml-commons' own address, through the real client."""
        path = "/_plugins/_ml/models/sample/_predict"
        body = {"parameters": parameters}
        reply = self.opensearch.transport.perform_request("POST", path, body=body)
        (result,) = reply["inference_results"]
        (output,) = result["output"]
        assert result["status_code"] == 200 and output["name"] == "response"
        return dict(output["dataAsMap"])

    def infer(self, texts: Sequence[str], question: str = PIANO, **more: object) -> list[Any]:
        """Elasticsearch's own address, through the real client."""
        config = {"question_answering": {"question": question, **more}}
        reply = self.elasticsearch.ml.infer_trained_model(
            model_id="sample",
            docs=[{"text_field": text} for text in texts],
            inference_config=config,
        )
        return list(reply["inference_results"])


@pytest.fixture(scope="module")
def engines(keyed_server: str, server_key: str) -> Iterator[Engines]:
    """Everything that asks."""
    bearer = {"Authorization": f"Bearer {server_key}"}
    with (
        OpenSearch(keyed_server, headers=bearer) as opensearch,
        Elasticsearch(keyed_server, headers=bearer) as elasticsearch,
    ):
        yield Engines(keyed_server, server_key, opensearch, elasticsearch)


def in_utf16(answer: Any) -> Found:
    """An answer of the library, with offsets as Java counts."""
    before = len(answer.passage[: answer.start].encode("utf-16-le")) // 2
    length = len(answer.answer.encode("utf-16-le")) // 2
    return answer.answer, before, before + length, answer.score


def python_alone(qa: OpenDomainQA) -> list[Found]:
    """Every text read by itself."""
    given = [[ProvidedPassage(text=text)] for text in TEXTS]
    best = read_provided(qa, [PIANO] * len(TEXTS), given, n_answers=1)
    return [in_utf16(one.answer) for (one,) in best]


def python_together(qa: OpenDomainQA) -> list[Found]:
    """All texts read together, the best answer of each."""
    (best,) = answer_each(qa, [PIANO], [[ProvidedPassage(text=text) for text in TEXTS]])
    return [in_utf16(one.answer) for one in best if one]


def of_marks(marks: Sequence[Sequence[dict[str, Any]]]) -> list[Found]:
    return [(m["text"], m["start"], m["end"], m["score"]) for (m,) in marks]


def of_hits(answers: Sequence[dict[str, Any]]) -> list[Found]:
    return [(a["answer"], a["start"], a["end"], a["score"]) for a in answers]


def highlighter_batch(engines: Engines) -> list[Found]:
    inputs = [{"question": PIANO, "context": text} for text in TEXTS]
    return of_marks(engines.model("highlighter").predict({"inputs": inputs})["highlights"])


def highlighter_single(engines: Engines) -> list[Found]:
    model = engines.model("highlighter")
    replies = [model.predict({"question": PIANO, "context": text}) for text in TEXTS]
    return of_marks([reply["highlights"] for reply in replies])


def predict_inputs(engines: Engines) -> list[Found]:
    inputs = [{"question": PIANO, "context": text} for text in TEXTS]
    return of_marks(engines.predict({"inputs": inputs})["highlights"])


def infer_docs(engines: Engines) -> list[Found]:
    keys = "predicted_value", "start_offset", "end_offset", "prediction_probability"
    return [tuple(r[key] for key in keys) for r in engines.infer(TEXTS)]


def hits_of_a_search(engines: Engines) -> list[Found]:
    steps = engines.steps(opensearch_steps)
    (processor,) = steps["hits-pipeline"].body["response_processors"]
    request = {"query": {"match": {"text": {"query": PIANO}}}}
    hits: list[dict[str, Any]] = [{"id": f"d{n}", "text": text} for n, text in enumerate(TEXTS)]
    ext = ml_inference(engines.model("hits"), processor["ml_inference"], request, hits)
    answers = [hit["preread_answer"] for hit in hits]
    assert [a["docid"] for a in answers] == ["d0", "d1", "d2"]
    assert ext["ml_inference.best"] == max(answers, key=lambda a: float(a["score"]))
    return of_hits(answers)


def predict_contexts(engines: Engines) -> list[Found]:
    return of_hits(engines.predict({"question": PIANO, "context": TEXTS})["answers"])


@pytest.mark.parametrize(
    ("ask", "python"),
    [
        (highlighter_batch, python_alone),
        (highlighter_single, python_alone),
        (predict_inputs, python_alone),
        (infer_docs, python_alone),
        (hits_of_a_search, python_together),
        (predict_contexts, python_together),
    ],
)
def test_answers_through_a_contract_are_those_of_the_python_api(
    engines: Engines,
    qa: OpenDomainQA,
    ask: Callable[[Engines], list[Found]],
    python: Callable[[OpenDomainQA], list[Found]],
) -> None:
    got, wanted = ask(engines), python(qa)
    assert [one[:3] for one in got] == [one[:3] for one in wanted]
    assert [one[3] for one in got] == pytest.approx([one[3] for one in wanted], abs=1e-4)
    for (answer, start, end, _), text in zip(got, TEXTS, strict=True):
        units = text.encode("utf-16-le")[2 * start : 2 * end]
        assert units.decode("utf-16-le") == answer != ""


def test_completion_answers_as_the_index_does(engines: Engines, qa: OpenDomainQA) -> None:
    questions = [PIANO, 'Where does the "Danube" rise?']
    found = engines.service("completion").infer(input=questions)["completion_result"]
    assert found == [answers[0].answer if (answers := qa(q)) else "" for q in questions]
    assert found[0] == "88"


def test_rerank_orders_as_the_library_does(engines: Engines, qa: OpenDomainQA) -> None:
    found = engines.service("rerank").infer(query=PIANO, input=TEXTS)
    (ranked,) = rank_provided(qa, [PIANO], [[ProvidedPassage(text=text) for text in TEXTS]])
    assert found["reranked_index"] == [one.place for one in ranked]
    assert found["relevance_score"] == pytest.approx([one.relevance for one in ranked], abs=1e-4)


def test_the_answer_is_what_the_highlighter_marks(engines: Engines) -> None:
    reply = engines.model("highlighter").predict({"question": PIANO, "context": TEXTS[0]})
    assert marked(TEXTS[0], reply["highlights"]) == "🎹🎼 A toy piano has <em>25</em> keys."
    inputs = [{"question": PIANO, "context": text} for text in ("", TEXTS[0])]
    batch = engines.model("highlighter").predict({"inputs": inputs})["highlights"]
    (alone,) = reply["highlights"]
    assert batch == [[], [{**alone, "score": pytest.approx(alone["score"], abs=1e-4)}]]
    assert marked("", batch[0]) == ""


def test_hits_that_the_index_knows_are_read_from_their_states(
    engines: Engines, qa: OpenDomainQA
) -> None:
    hits = qa.index.bm25.search(PIANO, 3)
    passages = [qa.index.passage(hit.ordinal) for hit in hits]
    ids = [passage.passage_id for passage in passages]
    by_id = engines.predict({"question": PIANO, "docid": ids})
    by_text = engines.predict({"question": PIANO, "context": [p.text for p in passages]})
    assert by_id == by_text
    assert [a["docid"] for a in by_id["answers"]] == ids
    assert all(a["from_store"] for a in by_id["answers"])
    spans = OpenDomainQA(qa.index, qa.reader, rule=AnswerRule())  # scores are single spans' here
    (joint,) = read_provided(spans, [PIANO], [[ProvidedPassage(passage_id=one) for one in ids]])
    assert by_id["best"]["answer"] == joint[0].answer.answer
    assert by_id["best"]["score"] == pytest.approx(joint[0].answer.score, abs=1e-4)


def test_hits_without_text_keep_their_place(engines: Engines) -> None:
    asked = {"question": PIANO, "context": [None, TEXTS[0], ""], "docid": [7, None, "x"]}
    reply = engines.predict(asked)
    assert [a["answer"] for a in reply["answers"]] == ["", "25", ""]
    assert [a["docid"] for a in reply["answers"]] == ["7", "", "x"]
    assert reply["best"] == reply["answers"][1]
    alone = engines.predict({"question": PIANO, "context": TEXTS[0]})
    assert alone["answers"] == [alone["best"]] and alone["best"]["answer"] == "25"


def test_a_question_answering_model_inside_opensearch_is_stood_in_for(engines: Engines) -> None:
    path = "/_plugins/_ml/_predict/question_answering/sample"
    body = {"question": PIANO, "context": TEXTS[0]}
    reply = engines.opensearch.transport.perform_request("POST", path, body=body)
    assert reply == {"inference_results": [{"output": [{"result": "25"}]}]}


def test_infer_gives_as_many_and_as_long_answers_as_are_asked_for(
    engines: Engines, qa: OpenDomainQA
) -> None:
    text = "The Danube rises in the Black Forest near Donaueschingen in Germany."
    question = "Where does the Danube rise?"
    (given,) = read_provided(qa, [question], [[ProvidedPassage(text=text)]], n_answers=3)
    (result,) = engines.infer([text], question, num_top_classes=3)
    assert [c["answer"] for c in result["top_classes"]] == [one.answer.answer for one in given]
    assert result["top_classes"][0]["answer"] == result["predicted_value"]
    (short,) = engines.infer([text], question, max_answer_length=1)
    assert " " in result["predicted_value"] and " " not in short["predicted_value"]
    assert "top_classes" not in short
    (empty,) = engines.infer([""])
    assert empty["predicted_value"] == "" and empty["prediction_probability"] == 0


def test_clients_are_told_what_is_wrong(engines: Engines) -> None:
    with pytest.raises(BadRequestError) as refused:
        engines.infer(["text"], " ")
    assert refused.value.body["error"]["field"] == "question"
    with pytest.raises(BadRequestError, match="invalid_request"):
        engines.infer(["text"] * 101)


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/v1/sample/opensearch/highlight", {}, "question"),
        ("/v1/sample/opensearch/highlight", {"inputs": [{"question": PIANO}]}, "inputs[0].context"),
        (
            "/v1/sample/opensearch/highlight",
            {"inputs": [{"question": " ", "context": "a"}]},
            "inputs[0].question",
        ),
        (
            "/v1/sample/opensearch/highlight",
            {"inputs": [{"question": "a", "context": "a"}] * 101},
            "inputs",
        ),
        ("/v1/sample/opensearch/hits", {"question": PIANO}, "context"),
        ("/v1/sample/opensearch/hits", {"question": PIANO, "context": [1]}, "context[0]"),
        (
            "/v1/sample/opensearch/hits",
            {"question": PIANO, "context": ["a"], "docid": ["a", "b"]},
            "docid",
        ),
        ("/_plugins/_ml/models/sample/_predict", {}, "parameters"),
        ("/_plugins/_ml/models/sample/_predict", {"parameters": {}}, "parameters.question"),
        ("/v1/sample/elasticsearch/completion", {"questions": []}, "questions"),
        ("/v1/sample/elasticsearch/completion", {"questions": ["a"] * 17}, "questions"),
        ("/v1/sample/elasticsearch/completion", {"questions": ["a", ""]}, "questions[1]"),
        ("/v1/sample/elasticsearch/completion", {"questions": "a", "top_k": 101}, "top_k"),
        ("/_ml/trained_models/sample/_infer", {"docs": []}, "docs"),
    ],
)
def test_a_wrong_field_is_named(
    engines: Engines, path: str, body: dict[str, Any], field: str
) -> None:
    headers = {"X-API-Key": engines.key}
    reply = requests.post(engines.url + path, json=body, headers=headers, timeout=60)
    assert reply.status_code == 400, reply.text
    assert reply.json()["error"]["field"] == field


@pytest.mark.parametrize(
    "path",
    [
        "/v1/other/opensearch/highlight",
        "/v1/other/opensearch/hits",
        "/v1/other/elasticsearch/completion",
        "/_plugins/_ml/models/other/_predict",
        "/_plugins/_ml/_predict/question_answering/other",
        "/_ml/trained_models/other/_infer",
    ],
)
def test_every_contract_wants_a_key_and_a_known_index(engines: Engines, path: str) -> None:
    body: dict[str, Any] = {
        "question": PIANO,
        "context": "a",
        "questions": PIANO,
        "parameters": {"question": PIANO, "context": "a"},
        "docs": [{"text_field": "a"}],
        "inference_config": {"question_answering": {"question": PIANO}},
    }
    assert requests.post(engines.url + path, json=body, timeout=60).status_code == 401
    headers = {"X-API-Key": engines.key}
    reply = requests.post(engines.url + path, json=body, headers=headers, timeout=60)
    assert reply.status_code == 404
    assert reply.json()["error"]["message"] == "index: expected one of sample."


def test_a_connector_without_key_is_refused_by_a_server_with_keys(engines: Engines) -> None:
    (step,) = [
        step
        for step in opensearch_steps(ServerAddress(engines.url, "sample"))
        if step.name == "preread-hits-connector"
    ]
    with pytest.raises(RuntimeError, match="unauthorized"):
        MlCommons(step.body, "").predict({"question": PIANO, "context": TEXTS})


def test_a_question_that_is_a_json_list_does_not_leave_the_connector(engines: Engines) -> None:
    """A limit of ml-commons that the documentation names."""
    for name in ("highlighter", "hits"):
        with pytest.raises(ValueError, match="Invalid payload"):
            engines.model(name).predict({"question": '["a"]', "context": TEXTS})


def test_the_command_prints_what_engines_take(preread: Callable[..., Any]) -> None:
    for engine, make in (("opensearch", opensearch_steps), ("elasticsearch", elasticsearch_steps)):
        options = ("--index", "wiki", "--url", "https://qa.example:8443", "--with-key")
        printed = json.loads(preread("engine-config", engine, *options, "--json").out)
        steps = make(ServerAddress("https://qa.example:8443", "wiki", needs_key=True))
        assert printed == {"steps": [step.to_dict() for step in steps]}
        text = preread("engine-config", engine, *options).out.strip()
        assert text == console_text(steps)
        bodies = [json.loads(part.split("\n", 2)[2]) for part in text.split("\n\n")]
        assert bodies == [step.body for step in steps]
        assert "https://qa.example:8443/v1/wiki/" in text
    wrong = preread("engine-config", "opensearch", "--index", "wiki", "--url", "qa:8000")
    assert wrong.code == 2 and wrong.err.startswith("error: --url: expected http://")


def test_the_endpoint_printed_is_trusted_by_the_setting_printed() -> None:
    address = ServerAddress("http://10.0.0.7:8000", "wiki")
    settings, connector, *_ = opensearch_steps(address)
    setting = "plugins.ml_commons.trusted_connector_endpoints_regex"
    (pattern,) = settings.body["persistent"][setting]
    assert re.fullmatch(pattern, connector.body["actions"][0]["url"])
    assert not re.fullmatch(pattern, "http://10x0.0.7:8000/v1/wiki/opensearch/hits")
    with pytest.raises(PrereadError, match="--url"):
        ServerAddress("ftp://a", "wiki")


@pytest.mark.skipif("OPENSEARCH_URL" not in os.environ, reason="needs a running OpenSearch")
def test_a_live_opensearch_answers_through_the_pipeline(engines: Engines, qa: OpenDomainQA) -> None:
    """The server of this test must be within its reach: run it on the same machine."""
    client = OpenSearch(os.environ["OPENSEARCH_URL"], verify_certs=False, timeout=120)
    steps = engines.steps(lambda address: opensearch_steps(address, engine_index="preread-test"))

    def send(step: SetupRequest, changes: dict[str, str]) -> Any:
        text = json.dumps(step.body)
        for old, new in {"THE-KEY": engines.key, **changes}.items():
            text = text.replace(old, new)
        return client.transport.perform_request(step.method, step.path, body=json.loads(text))

    send(steps["settings"], {})
    connector = send(steps["preread-hits-connector"], {})["connector_id"]
    model = send(steps["preread-hits-model"], {"CONNECTOR-ID": connector})["model_id"]
    try:
        index_passages(client, qa.index)
        send(steps["hits-pipeline"], {"HITS-MODEL-ID": model})
        reply = send(steps["hits-search"], {})
        answers = [hit["_source"]["preread_answer"] for hit in reply["hits"]["hits"]]
        assert all(a["from_store"] for a in answers)
        best = reply["ext"]["ml_inference"]["best"]
        assert best in answers and best["answer"] == "88"
    finally:
        client.indices.delete(index="preread-test", ignore_unavailable=True)
        client.transport.perform_request("DELETE", "/_search/pipeline/preread")
        undeploy = f"/_plugins/_ml/models/{model}"
        client.transport.perform_request("POST", f"{undeploy}/_undeploy")
        client.transport.perform_request("DELETE", undeploy)
        client.transport.perform_request("DELETE", f"/_plugins/_ml/connectors/{connector}")


def index_passages(client: OpenSearch, index: PassageIndex) -> None:
    """Put the sample corpus into the engine."""
    lines: list[dict[str, Any]] = []
    for ordinal in range(len(index)):
        passage = index.passage(ordinal)
        document = {"id": passage.passage_id, "text": passage.text}
        lines += [{"index": {"_index": "preread-test"}}, document]
    client.bulk(body=lines, refresh=True)
