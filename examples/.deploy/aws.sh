# shellcheck shell=sh disable=SC2034,SC2154 # part of deploy.sh, which has the variables
#
# Talking to AWS: asking, changing or only printing the command that would, and saying what went wrong.

# Sees to it that there is somebody to ask: $region.
connect() {
  command -v aws >/dev/null || die 'The AWS CLI is missing. Install it: pip install awscli, or see https://aws.amazon.com/cli'
  region=${region:-${AWS_REGION:-${AWS_DEFAULT_REGION:-$(aws configure get region 2>/dev/null || true)}}}
  [ -n "$region" ] || die 'Which region? Say --region eu-west-1, or export AWS_DEFAULT_REGION=eu-west-1, or type: aws configure'
  # Version 1 of the CLI knows the one, version 2 both. And no pager.
  export AWS_REGION="$region" AWS_DEFAULT_REGION="$region" AWS_PAGER=
}

# look WORD...: asks AWS something, and puts the answer into $seen. False if it says that there is no such thing.
look() {
  if seen=$(aws "$@" --output text 2>"$box/error"); then
    [ "$seen" != None ] || seen=''
    return 0
  fi
  seen=''
  ! grep -q 'ResourceNotFoundException\|RepositoryNotFoundException\|NoSuchEntity' "$box/error" || return 1
  failed "$@"
}

# change WORD...: changes something, or in a dry run prints the command that would.
change() {
  if [ -z "$yes" ]; then
    first_line
    command_line aws "$@"
    return
  fi
  try "$@" || failed "$@"
}

# What the commands of a dry run begin with.
first_line() {
  [ -n "$commands" ] || command_line export AWS_REGION="$region" AWS_DEFAULT_REGION="$region" AWS_PAGER=
  commands=printed
}

try() {
  printf '+ %s\n' "$(command_line aws "$@")" >&2
  aws "$@" >"$box/answer" 2>"$box/error"
}

# The same for what needs the role, which Lambda may not know for some seconds after it was made.
change_once_the_role_is_known() {
  tries=1
  while [ -n "$yes" ] && [ "$tries" -lt 20 ]; do
    if try "$@"; then
      return
    fi
    grep -q 'cannot be assumed by Lambda' "$box/error" || failed "$@"
    say 'Lambda does not know the new role yet: trying again'
    tries=$((tries + 1))
    sleep 3
  done
  change "$@"
  [ -n "$yes" ] || say 'Lambda takes some seconds to know a new role: until then it refuses create-function.'
}

# Prints a command as a shell reads it.
command_line() {
  line=''
  for word; do
    case $word in
      *[!A-Za-z0-9_./:=,@%+-]* | '') line="$line '$(printf %s "$word" | sed "s/'/'\\\\''/g")'" ;;
      *) line="$line $word" ;;
    esac
  done
  printf '%s\n' "${line# }"
}

# Says what went wrong and what helps, and ends.
failed() {
  say "This failed: $(command_line aws "$@")"
  grep . "$box/error" >&2 || true
  case $(cat "$box/error") in
    *'Unable to locate credentials'* | *'Partial credentials'*)
      die 'There are no credentials. Type: aws configure; or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.' ;;
    *'config profile'*'could not be found'*)
      die 'AWS_PROFILE names a profile that is not there. These are: aws configure list-profiles' ;;
    *ExpiredToken* | *InvalidClientTokenId* | *UnrecognizedClient* | *SignatureDoesNotMatch* | *'SSO Token'* | *'oken has expired'*)
      die 'AWS does not take these credentials (any more). Log in again: aws sso login, or aws configure.' ;;
    *AccessDenied* | *'not authorized'*)
      die 'Your credentials do not allow this. Whoever looks after the account can, by the permission that is named above.' ;;
    *'Could not connect to the endpoint'* | *'Invalid endpoint'*)
      die "Nobody answers there. Is $region a region, and is there a network? AWS_ENDPOINT_URL is ${AWS_ENDPOINT_URL:-not set}." ;;
    *'Unknown options'* | *'Invalid choice'* | *'argument operation'* | *'invalid choice'*) too_old "$@" ;;
    *ServiceQuotaExceeded*)
      die 'The account may not have more of these. Service Quotas, in the console, says how many and raises them.' ;;
  esac
  exit 1
}

# The CLI does not know the command. Runtimes of one's own are younger than the newest version 1.
too_old() {
  case "$*" in
    *lambda-core* | *runtime-config* | *resource-policy*)
      die "This AWS CLI does not know customer-managed runtimes ($(aws --version 2>&1)). Version 2 does, if it is of November 2026" \
        "or later: https://aws.amazon.com/cli. Version 1 learns them from newer descriptions of AWS's services:
  pip install --no-deps --target ~/.aws/models 'botocore>=1.44.3'
  export AWS_DATA_PATH=~/.aws/models/botocore/data" ;;
  esac
  die "This AWS CLI is too old ($(aws --version 2>&1)). Update it: pip install -U awscli, or see https://aws.amazon.com/cli"
}

# What is at hand when something fails in the middle.
made() {
  [ -z "$yes" ] || done_so_far="${done_so_far:+$done_so_far, }$*"
}

finish() {
  status=$?
  rm -rf "$box"
  if [ "$status" -ne 0 ] && [ -n "$done_so_far" ]; then
    say "Done before that: $done_so_far. To go on, give the same command again.${undo:+ To take it back: $undo}"
  fi
  exit "$status"
}

# The last word of a command that changes something.
conclude() {
  if [ -n "$yes" ]; then
    say "$*"
  else
    say 'Nothing was changed: these are the commands. With --yes they are run.'
  fi
}
