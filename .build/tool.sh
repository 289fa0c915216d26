# shellcheck shell=sh
#
# The program that handles images: build.sh builds with it, and examples/deploy.sh pushes with it.

# find_image_tool: $IMAGE_TOOL, or the first of them that is there. A docker whose engine does not answer is as good as none.
find_image_tool() {
  for tool in ${IMAGE_TOOL:-docker podman buildah}; do
    command -v "$tool" >/dev/null 2>&1 || continue
    [ "${tool##*/}" != docker ] || "$tool" version >/dev/null 2>&1 || continue
    printf '%s\n' "$tool"
    return
  done
  [ -z "${IMAGE_TOOL-}" ] || die "IMAGE_TOOL=$IMAGE_TOOL cannot be run, or its engine does not answer"
  die 'images need docker with its engine running, podman or buildah. Install one: sudo apt-get install buildah'
}
