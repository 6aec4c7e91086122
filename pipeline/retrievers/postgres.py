"""The retriever of PostgreSQL's full-text search (``preread[postgres]``)."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from typing_extensions import override

from ...data import PrereadError
from ...indexer import PassageIndex
from .external import TIMEOUT_S, ExternalRetriever, engine_error, import_client, take_options

_DEFAULTS = {
    "table": "passages",
    "id": "id",
    "text": "text",
    "title": "",
    "vector": "",
    "config": "english",
}


class PostgresRetriever(ExternalRetriever):
    """Ranks rows of a table by ``ts_rank_cd``; a row matches if it has any word of the question.

    Source: https://www.postgresql.org/docs/15/textsearch-controls.html
    """

    def __init__(
        self,
        index: PassageIndex,
        conninfo: str,
        *,
        table: str = "passages",
        id: str = "id",
        text: str = "text",
        title: str = "",
        vector: str = "",
        config: str = "english",
    ) -> None:
        """Connect to a database.

        Args:
            index: An index whose passages have the identifiers of the table.
            conninfo: A ``postgresql://`` URL, or another connection string of libpq.
            table: Name of the table or view, with its schema as ``schema.table``.
            id: Column of the passages' identifiers.
            text: Column of the texts.
            title: Column of the titles, which are searched too; empty if there is none.
            vector: Column of type ``tsvector`` that is searched instead of text and title; empty
                if there is none.
            config: Text search configuration; that of the ``tsvector`` column or of the database's
                own index.

        Raises:
            PrereadError: If the database cannot be reached, or psycopg is not installed.
        """
        self._psycopg = import_client("psycopg", "postgres")
        host = urlsplit(conninfo).hostname if "://" in conninfo else None
        super().__init__(index, f"PostgreSQL ({host or 'local'}, {table}, {config})")
        self._conninfo = conninfo
        self._statement = self._compose(table, id, text, title, vector, config)
        self._connection = self._connect()

    @classmethod
    def from_url(cls, index: PassageIndex, url: str) -> "PostgresRetriever":
        """Connect to the database of a URL.

        Args:
            index: An index whose passages have the identifiers of the table.
            url: ``postgresql://user:password@host/database?table=…&id=…&text=…&title=…&vector=…&
                config=…``, with parameters of libpq if need be.

        Raises:
            PrereadError: If the database cannot be reached, or psycopg is not installed.
        """
        conninfo, options = take_options(url, _DEFAULTS)
        return cls(index, conninfo, **options)

    @override
    def find(self, query: str, k: int) -> Sequence[tuple[str, float]]:
        words = any_word_of(query)
        if not words:
            return []
        try:
            try:
                return self._select(words, k)
            except self._psycopg.errors.QueryCanceled:  # it would take as long again
                raise
            except self._psycopg.OperationalError:  # for example after a restart of the server
                self._connection.close()
                self._connection = self._connect()
                return self._select(words, k)
        except self._psycopg.Error as error:
            raise engine_error(self.description, error) from error

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _select(self, words: str, k: int) -> list[tuple[str, float]]:
        rows = self._connection.execute(self._statement, (words, k)).fetchall()
        return [(str(passage_id), float(score)) for passage_id, score in rows]

    def _connect(self) -> Any:
        """A connection in which every change is seen at once, and slow statements are cancelled."""
        milliseconds = 1000 * TIMEOUT_S
        try:
            known = self._psycopg.conninfo.conninfo_to_dict(self._conninfo)
            limits = {"connect_timeout": TIMEOUT_S, "tcp_user_timeout": milliseconds}
            # The URL may set a statement timeout of its own: of two options the last counts.
            options = f"-c statement_timeout={milliseconds} {known.pop('options', '')}"
            return self._psycopg.connect(**{**limits, **known}, options=options, autocommit=True)
        except self._psycopg.Error as error:
            raise engine_error(self.description, error) from error

    def _compose(self, table: str, id: str, text: str, title: str, vector: str, config: str) -> Any:
        """The statement. Names are quoted as names, the configuration as text.

        The configuration cannot be a parameter, because the planner uses an index on
        ``to_tsvector('english', …)`` only for a constant.
        """
        sql = import_client("psycopg.sql", "postgres")
        if "" in (*table.split("."), id, text, config):
            raise PrereadError(f"{self.description}: expected table, id, text and config, not ''.")
        language = sql.SQL("{}::regconfig").format(sql.Literal(config))
        searched = sql.Identifier(text)
        if title:
            searched = sql.SQL("coalesce({}, '') || ' ' || {}").format(
                sql.Identifier(title), searched
            )
        document = (
            sql.Identifier(vector)
            if vector
            else sql.SQL("to_tsvector({}, {})").format(language, searched)
        )
        return sql.SQL(
            "SELECT {id}::text, ts_rank_cd({document}, query) AS rank "
            "FROM {table}, websearch_to_tsquery({language}, %s) AS query "
            "WHERE {document} @@ query ORDER BY rank DESC, {id} LIMIT %s"
        ).format(
            id=sql.Identifier(id),
            document=document,
            table=sql.Identifier(*table.split(".")),
            language=language,
        )


def any_word_of(query: str) -> str:
    """Text for ``websearch_to_tsquery`` that matches any word of a question.

    Without changes, the function would require all words, search quoted words as a phrase, and
    exclude words after a minus sign.

    Args:
        query: The question.
    """
    words = (word.replace('"', " ").replace("\0", " ").strip(" -") for word in query.split())
    return " or ".join(word for word in words if word and word.lower() != "or")
