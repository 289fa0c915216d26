# Container images with `bootstrap`, for Lambda and for a shell. `./build.sh image` builds them with docker, podman or
# buildah; without it, these are lambda-stdio:al2023, :debian and :sbcl:
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

# --- `bootstrap` ----------------------------------------------------------------------------------------------------

# On the platform that builds, whatever the image is for: emulated, the compiler would take half an hour.
FROM --platform=$BUILDPLATFORM docker.io/library/rust:${RUST_VERSION}-slim-trixie AS build
ARG TARGETARCH
WORKDIR /build
# What ships is linked with musl, by Rust's own linker.
ENV CARGO_TARGET_X86_64_UNKNOWN_LINUX_MUSL_LINKER=rust-lld CARGO_TARGET_AARCH64_UNKNOWN_LINUX_MUSL_LINKER=rust-lld
RUN case $TARGETARCH in amd64) cpu=x86_64 ;; arm64) cpu=aarch64 ;; *) cpu=$(uname -m) ;; esac \
 && target=$cpu-unknown-linux-musl \
 && { [ -d "$(rustc --print target-libdir --target "$target")" ] || rustup target add "$target"; } \
 && echo "$target" >/target
# The dependencies change seldom: they are built with a program that does nothing, in a layer of their own.
COPY .cargo .cargo
COPY Cargo.toml Cargo.lock ./
RUN mkdir src \
 && echo 'fn main() {}' >src/main.rs \
 && cargo build --release --locked --target "$(cat /target)"
COPY handlers handlers
COPY src src
# Sources that are older than that program would count as built.
RUN touch src/main.rs \
 && cargo build --release --locked --target "$(cat /target)" \
 && mv "target/$(cat /target)/release/bootstrap" /bootstrap

# --- The image ------------------------------------------------------------------------------------------------------

# The base is pinned by whoever chooses it.
# hadolint ignore=DL3006
FROM ${BASE}
USER 0:0
# What the handler needs besides: names of the base's packages, with spaces between them.
ARG PACKAGES=""
# hadolint ignore=DL3008,DL3040,DL3041,SC2086
RUN if [ -z "$PACKAGES" ]; then :; \
    elif command -v apt-get >/dev/null; then \
      apt-get update && apt-get install -y --no-install-recommends $PACKAGES && rm -rf /var/lib/apt/lists/*; \
    elif command -v dnf >/dev/null; then \
      dnf install -y $PACKAGES && dnf clean all; \
    else \
      echo "this base has neither apt-get nor dnf to install $PACKAGES" >&2; exit 1; \
    fi
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
