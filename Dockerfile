# syntax=docker/dockerfile:1
# A Homeroom node in a small image: built here, run without root.
#   docker build -t homeroom .
#   docker run -p 8080:8080 -v homeroom:/data homeroom

FROM rust:1.95-slim-bookworm AS builder
# SQLite and ring are compiled from C.
RUN apt-get update \
    && apt-get install -y --no-install-recommends gcc libc6-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /build
# First the dependencies alone, over empty sources: this layer is built again only when they change.
COPY Cargo.toml Cargo.lock ./
COPY actors/Cargo.toml actors/Cargo.toml
COPY schema/Cargo.toml schema/Cargo.toml
COPY tests/doubles/Cargo.toml tests/doubles/Cargo.toml
COPY tests/servers/Cargo.toml tests/servers/Cargo.toml
RUN mkdir -p src actors/src schema/src tests/it tests/sim tests/doubles/src tests/servers/src benches \
    && touch src/lib.rs actors/src/lib.rs schema/src/lib.rs tests/it/main.rs tests/sim/main.rs tests/doubles/src/lib.rs tests/servers/src/lib.rs \
    && echo 'fn main() {}' > src/main.rs \
    && sed -n '/^\[\[bench\]\]/{n;s/name = "\(.*\)"/\1/p}' Cargo.toml | while read -r bench; do echo 'fn main() {}' > "benches/$bench.rs"; done \
    && cargo build --release --locked --bin homeroom
COPY . .
# What is newer than the empty sources is built; touching makes sure that all of it is.
RUN find src actors schema -name '*.rs' -exec touch {} + \
    && cargo build --release --locked --bin homeroom

FROM debian:bookworm-slim
# Certificate authorities, for the tools that call other nodes; nothing else is added.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin homeroom \
    && install -d -o homeroom -g homeroom -m 0700 /data
COPY --from=builder /build/target/release/homeroom /usr/local/bin/homeroom
COPY LICENSE /usr/share/doc/homeroom/LICENSE
USER homeroom
WORKDIR /data
VOLUME /data
EXPOSE 8080
ENV HOMEROOM_DATA=/data \
    HOMEROOM_LISTEN=0.0.0.0:8080 \
    HOMEROOM_LOG_FORMAT=json
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["/usr/local/bin/homeroom", "health", "--url", "http://127.0.0.1:8080"]
ENTRYPOINT ["/usr/local/bin/homeroom"]
CMD ["serve"]
