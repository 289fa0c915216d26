# shellcheck shell=sh disable=SC2030,SC2031,SC2154 # part of build.sh, which has the variables
#
# ./build.sh runtime: the image of a customer-managed runtime, a runtime of your own account, for both architectures in one
# index. It is the image of the Dockerfile: bootstrap in /var/runtime, on Lambda's bare image. Languages go to /var/lang, whose
# bin and lib are on the paths that Lambda sets, and where Lambda's own images have them: so they are copied from there, and
# nothing of the other architecture has to run.

# The newest of each that Lambda has an image of.
python_image=public.ecr.aws/lambda/python:3.14
node_image=public.ecr.aws/lambda/nodejs:24
ruby_image=public.ecr.aws/lambda/ruby:3.4

cmd_runtime() {
  base=al2023
  read_options '--base --packages --with --tag --arch' "$@"
  choose_base
  tag=${tag:-lambda-stdio:runtime}
  check_tag "$tag"
  check_languages
  tool=$(find_image_tool)
  platforms=linux/amd64,linux/arm64
  [ -z "$arch" ] || platforms=$(platform_of "$arch")
  begin_image
  cp -Rp .cargo Cargo.toml Cargo.lock handlers src "$work/root/"
  {
    cat Dockerfile
    copy_languages
  } >"$work/Dockerfile"
  set -- --platform "$platforms" --build-arg "BASE=$base" --build-arg "PACKAGES=$packages" --file "$work/Dockerfile"
  case ${tool##*/} in
    docker)
      # One image per platform, and nothing beside them.
      export BUILDX_NO_DEFAULT_ATTESTATIONS=1
      step "$tool" build "$@" --tag "$tag" "$work/root" || die 'docker has not built it. For two architectures in one image it
  needs its containerd image store: https://docs.docker.com/engine/storage/containerd. Or take --arch, or IMAGE_TOOL=buildah'
      ;;
    *)
      # What is there under this name would be added to.
      if "$tool" manifest exists "$tag" 2>/dev/null; then
        step "$tool" manifest rm "$tag"
      fi
      step "$tool" build "$@" --build-arg "$(builder)" --manifest "$tag" "$work/root"
      ;;
  esac
  say "built the image $tag for $platforms. What makes a runtime of it: examples/deploy.sh runtime publish NAME VERSION"
}

# Looks at --with before anything is done.
check_languages() {
  for language in $(printf %s "$with" | tr , ' '); do
    case $language in
      python | node | ruby) ;;
      python:[0-9]* | node:[0-9]* | ruby:[0-9]*) ;;
      sbcl)
        machine=$(arch_of_machine)
        [ "$arch" = "$machine" ] || die "SBCL makes its core by running, so that a runtime with it is for one architecture, this
  machine's: --with $with --arch $machine"
        (with='' && check_layer) || exit
        ;;
      *) die "there is no language $language: --with takes python, node, ruby and sbcl, with commas between them" ;;
    esac
  done
}

# The last lines of the Dockerfile, and what they copy.
copy_languages() {
  for language in $(printf %s "$with" | tr , ' '); do
    case $language in
      python) image=$python_image ;;
      node) image=$node_image ;;
      ruby) image=$ruby_image ;;
      python:*) image=${python_image%:*}:${language#*:} ;;
      node:*) image=${node_image%:*}:${language#*:} ;;
      ruby:*) image=${ruby_image%:*}:${language#*:} ;;
      sbcl)
        copy_sbcl_for_image >&2
        echo 'COPY sbcl /var/lang'
        continue
        ;;
    esac
    printf 'COPY --from=%s /var/lang /var/lang\n' "$image"
  done
}

# As in the layer: what is made goes to $work/root, here with the sources.
copy_sbcl_for_image() (
  context=$work/root with=''
  work=$work/sbcl
  mkdir -p "$work/root"
  copy_sbcl
  mv "$work/root" "$context/sbcl"
  chmod -R a+rX "$context/sbcl"
)
