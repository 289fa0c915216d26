#!/bin/sh
# shellcheck source-path=SCRIPTDIR/.deploy source-path=SCRIPTDIR/..
# Puts a function on AWS Lambda, looks after it and takes it away again, with the AWS CLI and nothing else; and publishes the
# runtime of your own account that functions can stand on.
#
#   ./build.sh function examples/hello                     makes out/hello.zip
#   examples/deploy.sh function examples/hello             says which commands would make a function of it
#   examples/deploy.sh function examples/hello --yes       makes it, or brings it up to date
#   examples/deploy.sh help                                tells the rest
#
# What changes something in the account is a dry run without --yes: on stdout are the very commands, ready to paste. What is
# made carries the tag lambda-stdio=NAME (a layer or a runtime, whose tags cannot be read, a description), and nothing without it
# is touched. What the commands do is in .deploy/, and what is shared with build.sh in .build/.

set -eu

root=$(cd -- "$(dirname -- "$0")/.." && pwd)
here=$root/examples/.deploy
. "$here/aws.sh"
. "$here/ours.sh"
. "$here/call.sh"
. "$here/function.sh"
. "$here/image.sh"
. "$here/layer.sh"
. "$here/publish.sh"
. "$here/runtime.sh"
. "$here/watch.sh"
. "$root/.build/env.sh"
. "$root/.build/tool.sh"

timeout_of_new=30
memory_of_new=256
retention_days=14
largest_zip=52428800 # what Lambda takes in one piece: 50 MiB
largest_timeout=1800 # in seconds

usage() {
  cat <<'END'
Usage: examples/deploy.sh COMMAND [OPTION]...

  function DIR        creates or updates the function of this folder from out/NAME.zip, which `./build.sh function DIR` makes,
                      with a role of its own, which may write logs, and a log group that keeps them for 14 days
      --name NAME         the function's name; the folder's, unless this says otherwise
      --zip FILE          the zip, if it is not out/NAME.zip, in the folder where build.sh is
      --handler HANDLER   the handler; without it, what the file env in DIR says that _HANDLER is, or DIR's only handler.*
      --env FILE          variables, NAME=VALUE in each line; DIR/env, if it is there
      --timeout SECONDS   30 for a new function; 90, 90s or 2m, and at most 30m
      --memory MB         256 for a new function
      --arch ARCH         x86_64 or arm64; without it, what the zip's bootstrap was built for, or else this machine's
      --layer LAYER       a layer to use, in its newest version: a name or an ARN. May be given several times
      --role ARN          use this role and make none
      --runtime RUNTIME   a runtime of your own, NAME or NAME:ALIAS (live), or the ARN of one that is shared with you; or
                          provided.al2023, which a new function has without it. For a runtime of your own the zip is made by
                          `./build.sh function DIR --bootstrap none`
  image DIR           builds the container image of this folder, pushes it and creates or updates the function of it
      --base BASE, --packages 'A B'   as with `./build.sh image`
      --name, --handler, --timeout, --memory, --arch, --role   as above; variables are set in the image
  watch DIR           builds the function and brings it up to date whenever a file in DIR has changed, until it is interrupted.
                      It takes the options of function, and
      --bootstrap FILE    packs this bootstrap, or none
  layer ZIP           publishes a layer: out/lambda-stdio.zip, out/sbcl-layer.zip
      --name NAME, --arch ARCH
  runtime publish NAME VERSION   makes a version of the runtime NAME from the image that `./build.sh runtime` has built, and the
                      runtime before it, and points an alias at it, by which functions come to it
      --image IMAGE       another image of this machine's, or one that is in Amazon ECR already
      --alias ALIAS       this alias, not live
  runtime roll-out NAME VERSION  points the alias at this version, old or new: functions have it from their next cold start on
  runtime roll-back NAME         points it at the version before the one that it has; both take --alias
  runtime show NAME              lists its versions and aliases
  runtime share NAME FILE        makes the policy in FILE the runtime's, in place of the one before; unshare NAME deletes it
  runtime delete NAME            deletes it with all versions and aliases, if no function of this account and region uses it
      --days DAYS         for so long it can be restored, 7 to 30; 30 without it
  runtime restore NAME           takes that back
  url NAME            gives the function a URL, for those whom IAM lets in
      --public            for everybody: anyone who knows it can call the function, and you pay
      --stream            answers go out as they come, where the handler streams them
  invoke NAME [EVENT] calls it: EVENT is JSON, or a file with JSON, or - for stdin; {} without it
  logs NAME           prints what it logged in the last 10 minutes
      --since MINUTES     or in so many
      --follow            and goes on until it is interrupted
  delete NAME         deletes the function with its URL, its log group, its role, and the images that were pushed for it
  delete-layer NAME   deletes all versions of a layer
  help                prints this

All take --region REGION. Options that are left out leave an existing function as it is.

Those that change something only print what they would do, unless --yes is given.

What costs money: each call and the time that it takes, what is logged, and images in Amazon ECR, beyond the free tiers.
A function that nobody calls costs nothing, nor do roles, URLs and layers.
END
}

say() {
  printf 'deploy.sh: %s\n' "$*" >&2
}

die() {
  say "$*"
  exit 1
}

# --- Which one? -----------------------------------------------------------------------------------------------------

yes='' name='' zip='' handler='' env='' timeout='' memory='' arch='' layers='' role='' region='' public='' stream=''
runtime='' image='' alias='' days='' base='' packages='' bootstrap=''
tab=$(printf '\t')
since='' follow='' subject='' event='' commands='' done_so_far='' undo='' seen='' more=''
layer_mark='lambda-stdio sha256' runtime_mark='lambda-stdio:' event_mark=lambda-stdio-event:

# The command is the first word that is neither an option nor an option's value; of runtime it is two.
command='' words=$#
while [ "$words" -gt 0 ]; do
  words=$((words - 1))
  case $1 in
    -h | --help) usage && exit ;;
    --yes | --public | --stream | --follow) set -- "$@" "$1" ;;
    --*)
      set -- "$@" "$1"
      if [ "$words" -gt 0 ]; then
        words=$((words - 1))
        shift
        set -- "$@" "$1"
      fi
      ;;
    *)
      case $command in
        '' | help) command=$1 ;;
        runtime) command=runtime-$1 ;;
        *) set -- "$@" "$1" ;;
      esac
      ;;
  esac
  shift
done

of_functions='--name --handler --timeout --memory --arch --role'
case ${command:-help} in
  help) usage && exit ;;
  function) takes="--yes $of_functions --zip --env --layer --runtime" what=DIR ;;
  watch) takes="--yes $of_functions --env --layer --runtime --bootstrap" what=DIR ;;
  image) takes="--yes $of_functions --base --packages" what=DIR ;;
  layer) takes='--yes --name --arch' what=ZIP ;;
  url) takes='--yes --public --stream' what=NAME ;;
  invoke) takes='' what=NAME more=EVENT ;;
  logs) takes='--since --follow' what=NAME ;;
  delete | delete-layer) takes='--yes' what=NAME ;;
  runtime-publish) takes='--yes --image --alias' what=NAME more=VERSION ;;
  runtime-roll-out) takes='--yes --alias' what=NAME more=VERSION ;;
  runtime-roll-back) takes='--yes --alias' what=NAME ;;
  runtime-share) takes='--yes' what=NAME more=FILE ;;
  runtime-unshare | runtime-restore) takes='--yes' what=NAME ;;
  runtime-delete) takes='--yes --days' what=NAME ;;
  runtime-show) takes='' what=NAME ;;
  runtime*) die "runtime is followed by publish, roll-out, roll-back, show, share, unshare, delete or restore: $0 help" ;;
  *) die "There is no command $command. These are: $0 help" ;;
esac
called=$(echo "$command" | sed 's/^runtime-/runtime /')

while [ $# -gt 0 ]; do
  case $1 in
    --*)
      case " $takes --region " in
        *" $1 "*) ;;
        *) die "$called does not take $1. It takes: ${takes:+$takes }--region" ;;
      esac
      case $1 in
        --yes | --public | --stream | --follow) ;;
        *) [ $# -ge 2 ] || die "$1 wants a value." ;;
      esac
      ;;
  esac
  case $1 in
    --yes) yes=yes ;;
    --public) public=yes ;;
    --stream) stream=yes ;;
    --follow) follow=yes ;;
    --layer) layers="$layers $2" && shift ;;
    --*) eval "${1#--}=\$2" && shift ;;
    *)
      if [ -z "$subject" ]; then
        subject=$1
      elif [ -n "$more" ] && [ -z "$event" ]; then
        event=$1
      else
        die "What is $1? $called takes one $what${more:+ and one $more}."
      fi
      ;;
  esac
  shift
done
[ -n "$subject" ] || die "$called wants a $what: $0 help"
[ -n "$event" ] || [ -z "$more" ] || [ "$command" = invoke ] || die "$called wants a $what and a $more: $0 help"
for number in "$memory" "$since" "$days"; do
  case $number in
    *[!0-9]*) die "--memory, --since and --days take whole numbers, not $number" ;;
  esac
done
[ -z "$timeout" ] || read_timeout

box=$(mktemp -d)
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
trap 'exit 141' PIPE

"cmd_$(echo "$command" | tr - _)"
