# shellcheck shell=sh disable=SC2034,SC2154 # part of deploy.sh, which has the variables
#
# deploy.sh runtime publish, roll-out and roll-back: versions of a runtime of your own, and the alias that functions come by.
#
# A version is an image, and never changes. Which one functions have is what the alias points at: so rolling out and rolling
# back are the same, and both are one call.

cmd_runtime_publish() {
  name=$subject version=$event
  check_runtime_name
  check_version_name "$version"
  image=${image:-lambda-stdio:runtime}
  connect
  name_parts
  find_registry
  known=''
  if our_runtime; then
    known=yes
    version_state
  else
    state=''
  fi
  case $state in
    ACTIVE) say "The version $version of $name is there already: $uri" ;;
    CREATING) ;;
    '') make_version ;;
    *) die "The version $version of $name is $state, and its name cannot be used again. Take another" ;;
  esac
  [ "$state" = ACTIVE ] || wait_for_version
  point_alias
  conclude "Functions come to $version of $name by the alias $alias: $0 function DIR --runtime $name$(
    [ "$alias" = live ] || echo ":$alias"
  )"
}

# Pushes $image unless it is in Amazon ECR already, and makes a version of it.
make_version() {
  case $image in
    *.dkr.ecr.*) uri=$image ;;
    *)
      tool=$(find_image_tool)
      repository=$name uri=$registry/$name:$version
      make_repository
      push "$image" "$uri"
      ;;
  esac
  if [ -z "$known" ]; then
    change lambda-core create-runtime --name "$name" --description "$runtime_mark runs any program" \
      --tags "lambda-stdio=$name"
    made "the runtime $name"
    # Only of one that is new: an older one has versions that functions use.
    undo="$0 runtime delete $name --yes"
  fi
  # Lambda's own dry run: it looks at the image, and makes nothing.
  change lambda-core create-runtime-version --runtime-name "$name" --name "$version" --image-uri "$uri" --dry-run
  change lambda-core create-runtime-version --runtime-name "$name" --name "$version" --image-uri "$uri"
  made "the version $version of $name"
}

wait_for_version() {
  if [ -z "$yes" ]; then
    change lambda-core wait runtime-version-active --runtime-name "$name" --name "$version"
    return
  fi
  if ! try lambda-core wait runtime-version-active --runtime-name "$name" --name "$version"; then
    version_state
    [ "$state" != FAILED ] || die "Lambda has made nothing of the image $uri: the version $version is FAILED, and no reason is" \
      "given. Its name cannot be used again: when the image is right, take another"
    failed lambda-core wait runtime-version-active --runtime-name "$name" --name "$version"
  fi
  look lambda-core get-runtime-version --runtime-name "$name" --name "$version" --query Compatibility.Architectures
  say "The version $version of $name is for $(printf %s "$seen" | tr '\t' ' ')"
}

cmd_runtime_roll_out() {
  name=$subject version=$event
  check_runtime_name
  connect
  name_parts
  need_runtime
  version_state
  case $state in
    ACTIVE) ;;
    '') die "There is no version $version of $name. These are: $0 runtime show $name" ;;
    *) die "The version $version of $name is $state" ;;
  esac
  point_alias
  conclude "Functions have $version of $name by the alias $alias from their next cold start on." \
    "${earlier:+Back: $0 runtime roll-out $name $earlier --alias $alias --yes}"
}

cmd_runtime_roll_back() {
  name=$subject
  check_runtime_name
  connect
  name_parts
  need_runtime
  look lambda-core get-runtime-alias --runtime-name "$name" --name "${alias:-live}" --query RuntimeVersion ||
    die "$name has no alias ${alias:-live}. Its aliases are: $0 runtime show $name"
  now=$seen
  look lambda-core list-runtime-versions --runtime-name "$name" \
    --query "sort_by(Items[?State=='ACTIVE'],&Created)[].[Name]"
  version=$(printf '%s\n' "$seen" | awk -v now="$now" '$0 == now { print before } { before = $0 }')
  [ -n "$version" ] || die "There is no version of $name before $now that is ACTIVE. Its versions are: $0 runtime show $name"
  point_alias
  conclude "Functions have $version of $name again, from their next cold start on. Forward: $0 runtime roll-out $name $now" \
    "--alias $alias --yes"
}

# Sees to it that $alias (live) points at $version; what it has pointed at is in $earlier.
point_alias() {
  alias=${alias:-live} earlier=''
  check_version_name "$alias"
  set -- --runtime-name "$name" --name "$alias"
  if [ -z "${known-yes}" ] || ! look lambda-core get-runtime-alias "$@" --query '[RuntimeVersion,State]'; then
    change lambda-core create-runtime-alias "$@" --runtime-version "$version"
  else
    earlier=${seen%%"$tab"*}
    case $seen in
      *PENDING_DELETION | *DELETING) die "The alias $alias of $name is deleted: $0 runtime restore $name" ;;
      "$version$tab"ACTIVE)
        say "The alias $alias of $name points at $version already"
        return
        ;;
      "$version$tab"*) ;;
      *) change lambda-core update-runtime-alias "$@" --runtime-version "$version" ;;
    esac
  fi
  change lambda-core wait runtime-alias-active "$@"
  made "the alias $alias points at $version"
}

# The state of $version, in $state, and its image in $uri; an empty state if there is no such version.
version_state() {
  state='' uri=''
  look lambda-core get-runtime-version --runtime-name "$name" --name "$version" --query '[State,ResolvedUri]' || return 0
  state=${seen%%"$tab"*} uri=${seen#*"$tab"}
}
