# Container images with `bootstrap`: for functions on Lambda, for a runtime of your own there, and for a shell. `./build.sh image`
# and `./build.sh runtime` build them with docker, podman or buildah; without these, lambda-stdio:al2023, :debian and :sbcl are:
#
#   docker build --tag lambda-stdio:al2023 .
#   docker build --tag lambda-stdio:debian --build-arg BASE=docker.io/library/debian:trixie-slim .
#   docker build --tag lambda-stdio:sbcl --build-arg BASE=docker.io/library/debian:trixie-slim --build-arg PACKAGES=sbcl .
#
# A function's image stands on one of them:
#
#   FROM lambda-stdio:al2023
#   COPY handler.sh ./
#   CMD ["handler.sh"]
#
# The image that `bootstrap` is added to. Lambda's own has bash, awk, sed, grep and curl; no jq, perl or python.
ARG BASE=public.ecr.aws/lambda/provided:al2023
ARG RUST_VERSION=1.95
# What the handler needs besides: names of the base's packages, with spaces between them.
ARG PACKAGES=""

# --- `bootstrap` ----------------------------------------------------------------------------------------------------

# Built where the builder runs, for the architecture of the image: nothing is emulated.
FROM --platform=$BUILDPLATFORM docker.io/library/rust:${RUST_VERSION}-slim-trixie AS build
WORKDIR /build
ARG TARGETARCH
# With musl's C library, which Rust brings for each, and its linker. Cargo reads the settings of the folders above, too.
RUN case "$TARGETARCH" in \
      amd64) target=x86_64-unknown-linux-musl ;; \
      arm64) target=aarch64-unknown-linux-musl ;; \
      *) echo "Lambda has no architecture $TARGETARCH" >&2; exit 1 ;; \
    esac \
 && mkdir -p /.cargo \
 && printf '[build]\ntarget = "%s"\n[target.%s]\nlinker = "rust-lld"\n' "$target" "$target" >/.cargo/config.toml \
 && { [ -d "$(rustc --print target-libdir --target "$target")" ] || rustup target add "$target"; }
# The dependencies change seldom: they are built with a program that does nothing, in a layer of their own.
COPY .cargo .cargo
COPY Cargo.toml Cargo.lock ./
RUN mkdir src \
 && echo 'fn main() {}' >src/main.rs \
 && cargo build --release --locked
COPY handlers handlers
COPY src src
# Sources that are older than that program would count as built.
RUN touch src/main.rs && cargo build --release --locked && cp target/*/release/bootstrap /bootstrap

# --- The image ------------------------------------------------------------------------------------------------------

# The base is pinned by whoever chooses it.
# hadolint ignore=DL3006
FROM ${BASE} AS base
USER 0:0

# Only this is run as the image's architecture.
FROM base AS base-with-packages
ARG PACKAGES
# hadolint ignore=DL3008,DL3040,DL3041,SC2086
RUN if command -v apt-get >/dev/null; then \
      apt-get update && apt-get install -y --no-install-recommends $PACKAGES && rm -rf /var/lib/apt/lists/*; \
    elif command -v dnf >/dev/null; then \
      dnf install -y $PACKAGES && dnf clean all; \
    else \
      echo "this base has neither apt-get nor dnf to install $PACKAGES" >&2; exit 1; \
    fi

# hadolint ignore=DL3006
FROM base${PACKAGES:+-with-packages}
# Where the entrypoint of Lambda's base image looks for it, so that the emulator in there still serves:
# docker run --publish 9000:8080 --entrypoint /lambda-entrypoint.sh IMAGE HANDLER
COPY --from=build /bootstrap /var/runtime/bootstrap
# SnapStart wants of an image that it asks for `restore/next`, as `bootstrap` does, or that it has this label:
# https://docs.aws.amazon.com/lambda/latest/dg/snapstart-runtime-hooks-custom.html
# It allows snapshots; they are taken only where SnapStart is turned on for the function.
LABEL com.amazonaws.lambda.feature.snapstart="Allow"
# As Lambda sets it, for a shell.
ENV LAMBDA_TASK_ROOT=/var/task
WORKDIR /var/task
# Nobody, in numbers, because not every base knows the name. Lambda has an unprivileged user of its own, and takes that.
USER 65534:65534
# Lambda sets no _HANDLER for images: the handler is the command, and so the first argument.
ENTRYPOINT ["/var/runtime/bootstrap"]
