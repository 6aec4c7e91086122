# A server for one index, on a CPU:
#
#     docker build -t preread .
#     docker run --rm -v /path/to/my-index:/index:ro -p 127.0.0.1:8000:8000 preread
#
# The index is a volume, and is not written to. Keys: -e PREREAD_API_KEYS=key1,key2
FROM python:3.12-slim AS build
WORKDIR /source
# PyTorch's own index has the CPU build, which is a tenth of the size of the one on PyPI.
RUN python -m venv /opt/preread && \
    /opt/preread/bin/pip install --no-cache-dir --index-url https://download.pytorch.org/whl/cpu torch==2.13.0
COPY .ci/locked .ci/locked
RUN /opt/preread/bin/pip install --no-cache-dir --require-hashes --no-deps --requirement .ci/locked/package.txt
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY data data
COPY reader reader
COPY indexer indexer
COPY pipeline pipeline
RUN /opt/preread/bin/pip install --no-cache-dir --no-deps .

FROM python:3.12-slim
# OpenMP, which PyTorch and faiss need.
RUN apt-get update && apt-get install --yes --no-install-recommends libgomp1 && rm -rf /var/lib/apt/lists/* && \
    useradd --create-home --uid 10001 preread
COPY --from=build /opt/preread /opt/preread
ENV PATH=/opt/preread/bin:$PATH PYTHONUNBUFFERED=1
USER preread
WORKDIR /home/preread
VOLUME /index
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD \
    ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health', timeout=4)"]
ENTRYPOINT ["preread"]
CMD ["serve", "/index", "--host", "0.0.0.0"]
