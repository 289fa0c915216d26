# shellcheck shell=sh disable=SC2034,SC2154 # part of deploy.sh, which has the variables
#
# deploy.sh layer and delete-layer.

cmd_layer() {
  [ -f "$subject" ] || die "There is no $subject. Build it: ./build.sh makes out/lambda-stdio.zip, ./build.sh sbcl out/sbcl-layer.zip"
  name=${name:-$(basename "$subject" .zip)}
  check_size "$subject"
  check_name
  choose_arch "$subject"
  description="$layer_mark $(sha256 "$subject") $arch"
  connect
  undo="$0 delete-layer $name --yes"
  if our_layer "$name" && [ "${seen#*"$description"}" != "$seen" ]; then
    say "The layer $name holds these very bytes already: ${seen%%[!A-Za-z0-9:_-]*}"
    return
  fi
  change lambda publish-layer-version --layer-name "$name" --zip-file "fileb://$subject" \
    --compatible-runtimes provided.al2023 --compatible-architectures "$arch" --description "$description"
  conclude "The layer $name has a new version. Functions take it when they are deployed: $0 function DIR --layer $name"
}

cmd_delete_layer() {
  name=$subject
  connect
  look lambda list-layer-versions --layer-name "$name" --query "LayerVersions[?contains(Description||'','$layer_mark')].[Version]" || true
  for version in $seen; do
    change lambda delete-layer-version --layer-name "$name" --version-number "$version"
    made "version $version of the layer $name is deleted"
  done
  if [ -n "$commands$done_so_far" ]; then
    conclude "Nothing is left of the layer $name. Functions that use it keep it."
  else
    say "There is no layer $name in $region that this script has published."
  fi
}
